"""What a page is asked: its query and its body, held to their models."""

from typing import Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from evenhand.cli.config.problem import written

BODY_BYTES_MAX: Final = 1 << 20

STRICT = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
"""How queries and bodies are held: what is not known is refused."""

M = TypeVar("M", bound=BaseModel)


class BadAskingError(Exception):
    """The query or the body is not what the page takes; the message says how it should be."""


class TooLongError(Exception):
    """The body is larger than any page needs."""


async def body_of(request: Request, model: type[M]) -> M:
    """The JSON body. Raises BadAskingError, TooLongError."""
    return _held("body", await json_body(request), model)


async def json_body(request: Request) -> Any:
    """The JSON body, whatever it is. Raises BadAskingError, TooLongError."""
    pieces, length = [], 0
    async for piece in request.stream():
        length += len(piece)
        if length > BODY_BYTES_MAX:
            raise TooLongError(
                f"The body is larger than {BODY_BYTES_MAX} bytes: send less at once."
            )
        pieces.append(piece)
    try:
        return orjson.loads(b"".join(pieces))
    except orjson.JSONDecodeError:
        raise BadAskingError("The body must be one JSON object.") from None


def query_of(request: Request, model: type[M]) -> M:
    """The query string. Raises BadAskingError."""
    pairs = request.query_params.multi_items()
    if len({name for name, _ in pairs}) < len(pairs):
        raise BadAskingError("A name stands twice in the query: send each once.")
    return _held("query", dict(pairs), model)


def _held(where: str, data: Any, model: type[M]) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # Not the values: they could be secrets that were sent by mistake.
        found = error.errors(include_url=False, include_input=False, include_context=False)
    words = [
        f"{written(one['loc']) or where}: {one['msg'].removeprefix('Value error, ')}"
        for one in found[:20]
    ]
    known = ", ".join(model.model_fields) or "nothing"
    raise BadAskingError(
        f"The {where} is not as it should be. {'; '.join(words)}. It takes: {known}."
    )
