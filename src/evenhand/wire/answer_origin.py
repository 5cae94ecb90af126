"""Whether all pieces of an answer are of the request that it answers, and of one model.

An engine that mixes up its answers shows it by their ids: each answer has one, the same in all of its
chunks (SGLang: in all chunks of a choice), and vLLM makes it from the request's own.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from evenhand.model import ModelName, RequestId
from evenhand.wire.answer_names import AnswerNames

_OURS: Final = re.compile(r"req_[0-9a-f]{24}")
_UNSEEN: Final = b"\n\n\n"
"""Stands for an id that has not come: no event has so many line ends in a row."""


class AnswerOrigin:
    """Of one answer of one engine. Ids and models that are empty or left out say nothing: some engines
    leave them out of the first chunk or of the last."""

    def __init__(
        self, request_id: RequestId, asked: ModelName, names: AnswerNames, *, choices: int
    ) -> None:
        self._request_id = request_id
        self._asked = asked
        self._names = names
        self._choices = choices
        # By choice; bounded by `choices`.
        self._ids: dict[object, str] = {}
        self._model: str | None = None
        self._id_text = _UNSEEN
        self._model_text = b""

    def is_same(self, event: bytes) -> bool:
        """Whether the event has the id and the model of the last one that was judged; those that have
        not need to be judged. Inside a text the quotes would be escaped."""
        return self._id_text in event and self._model_text in event

    def lie(self, answer: Mapping[str, Any]) -> str | None:
        """What shows that a chunk, or a whole answer, is another's; None: nothing does."""
        answer_id, model = answer.get("id"), answer.get("model")
        if isinstance(answer_id, str) and answer_id and not self._is_own(answer_id, answer):
            return "it is of another request"
        if isinstance(model, str) and model:
            if self._model is None:
                if self._names.is_of_another(self._asked, model):
                    return f"it is of the model {model[:100]}"
                self._model, self._model_text = model, _quoted(model)
            elif model != self._model:
                return f"it goes on as the model {model[:100]}"
        return None

    def _is_own(self, answer_id: str, answer: Mapping[str, Any]) -> bool:
        if _OURS.search(answer_id) and self._request_id not in answer_id:
            return False
        choice = _choice(answer) if self._choices > 1 else 0
        if choice is None:  # the usage of them all
            return not self._ids or answer_id in self._ids.values()
        if self._ids.setdefault(choice, answer_id) != answer_id or len(self._ids) > self._choices:
            return False
        self._id_text = _quoted(answer_id)
        return True


class EventOrigin:
    """The same for an API of which only some events tell id and model, in a member called `within`."""

    def __init__(self, origin: AnswerOrigin, within: str) -> None:
        self._origin = origin
        self._within = within
        # Whatever space follows; inside a text the quotes would be escaped.
        self._mark = f'"{within}"'.encode()

    def is_same(self, event: bytes) -> bool:
        """Whether the event tells nothing that needs to be judged."""
        return self._mark not in event or self._origin.is_same(event)

    def lie(self, answer: Mapping[str, Any]) -> str | None:
        """What shows that an event is of another's answer; None: nothing does."""
        inner = answer.get(self._within)
        return self._origin.lie(inner) if isinstance(inner, dict) else None


def _quoted(text: str) -> bytes:
    return b'"' + text.encode("utf-8", "surrogatepass") + b'"'


def _choice(answer: Mapping[str, Any]) -> object:
    """The index of the choice that a chunk is of; None: it is of none, or does not say."""
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    index = first.get("index") if isinstance(first, dict) else None
    return index if type(index) is int else None
