"""Where an engine publishes its KV events: ZMQ addresses."""

from typing import Annotated

from pydantic import BaseModel, PlainSerializer, PlainValidator, WithJsonSchema

from evenhand.cli.config.address import parse_address
from evenhand.cli.config.scalars import SECTION

_SCHEME = "tcp://"
_FORM = "must be where the engine can be reached, such as tcp://10.0.0.5:5557"


def _parse_endpoint(text: object) -> str:
    if not isinstance(text, str) or not text.startswith(_SCHEME):
        raise ValueError(_FORM)
    if "*" in text:
        raise ValueError(f"{_FORM}; the * of the engine's own setting stands for the host it is on")
    try:
        address = parse_address(text.removeprefix(_SCHEME))
    except ValueError as error:
        raise ValueError(f"{_FORM}; after tcp:// it {error}") from None
    if address.port == 0:
        raise ValueError(f"{_FORM}; the port is a number from 1 to 65535")
    return f"{_SCHEME}{address}"


Endpoint = Annotated[
    str,
    PlainValidator(_parse_endpoint),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^tcp://", "x-expects": "tcp://HOST:PORT"}),
]


class KvEvents(BaseModel):
    """What the engine says of single blocks of its prefix cache; vLLM with `--kv-events-config`. Needs
    `pip install 'evenhand[kv-events]'`. See [engines.md](engines.md)."""

    model_config = SECTION

    endpoint: Endpoint
    """Where the engine publishes them."""
    replay: Endpoint | None = None
    """Where it can be asked for those that were missed. Left out: a gap is said, and what is believed
    rests on what usage reports until the cache is cleared."""
