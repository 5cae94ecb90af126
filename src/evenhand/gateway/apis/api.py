"""What differs between the APIs that clients speak."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from evenhand.gateway.apis.errors import Errors
from evenhand.wire.answer_origin import AnswerOrigin, EventOrigin
from evenhand.wire.api_name import ApiName
from evenhand.wire.body_problem import BodyProblem
from evenhand.wire.completion import Completion
from evenhand.wire.dialect import Dialect, EngineBody
from evenhand.wire.members import Members
from evenhand.wire.meter import Meter
from evenhand.wire.usage import UsageReport

Reader = Callable[[Mapping[str, Any], Members], Completion | BodyProblem]


class BodyWriter(Protocol):
    """Writes the body that an engine gets; see `engine_body`."""

    def __call__(
        self,
        members: Members,
        completion: Completion,
        dialect: Dialect,
        *,
        cache_salt: str | None,
        hints: bytes = b"",
    ) -> EngineBody: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One API. `read` reads bodies, `engine_body` writes those that engines get.

    `meter` makes the counter of a streamed answer; it is told whether we asked for more usage than the
    client did. `usage` reads the usage of a whole answer, `texts` gives all that the model wrote in one.
    `hide_in_stream` and `hide_in_whole` take out how much of a prompt was cached.
    `ids_within`: where its events tell id and model, if not in the event itself.
    """

    name: ApiName
    path: str
    errors: Errors
    read: Reader
    engine_body: BodyWriter
    meter: Callable[[Completion, bool], Meter]
    usage: Callable[[object], UsageReport | None]
    texts: Callable[[Mapping[str, Any]], Iterable[str]]
    hide_in_stream: Callable[[bytes], bytes]
    hide_in_whole: Callable[[bytes], bytes]
    ids_within: str | None = None
    events_are_long: bool = False
    """Single events may be as long as a whole answer."""

    def origin_of_events(self, origin: AnswerOrigin | None) -> AnswerOrigin | EventOrigin | None:
        """What tells the events of one answer from another's."""
        if origin is None or self.ids_within is None:
            return origin
        return EventOrigin(origin, self.ids_within)
