"""A batch of events from an untyped document, whichever form its engine writes.

A batch is an array: a time, the events, perhaps the rank. An event is a map with a `type` (vLLM 0.32),
or an array that begins with it (before). Hashes of blocks are integers or bytes. Fields that are not
named here are left alone: each release adds some.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

_TOKEN_ID_MAX = 2**32 - 1
_BLOCK_TOKENS_MAX = 65_536

BlockHash = int | bytes


class MalformedError(ValueError):
    """It is no batch of events; the text says what is wrong with it."""


class Stored(NamedTuple):
    """Blocks that follow each other, `tokens` in all; `parent` is the block before the first, None at
    the beginning of a prompt. `is_plain`: of the model itself, in the engine's own memory."""

    hashes: Sequence[BlockHash]
    parent: BlockHash | None
    tokens: Sequence[int]
    block_tokens: int
    salt: str | None
    is_plain: bool


class Removed(NamedTuple):
    """Blocks that are gone, in any order."""

    hashes: Sequence[BlockHash]
    is_plain: bool


class Cleared(NamedTuple):
    """All blocks are gone."""


Event = Stored | Removed | Cleared

_FIELDS = {
    "BlockStored": (
        *("block_hashes", "parent_block_hash", "token_ids", "block_size", "lora_id", "medium"),
        *("lora_name", "extra_keys", "group_idx"),
    ),
    "BlockRemoved": ("block_hashes", "medium", "group_idx"),
    "AllBlocksCleared": (),
}


def read_batch(document: object) -> list[Event]:
    """The events of a batch. Raises MalformedError; a kind of event that nobody knows is left out."""
    if not isinstance(document, list) or len(document) < 2 or not isinstance(document[1], list):
        raise MalformedError("a batch is an array of a time and an array of events")
    events = (_event(item) for item in document[1])
    return [event for event in events if event is not None]


def _event(item: object) -> Event | None:
    if isinstance(item, dict):
        kind, values = item.get("type"), item
    elif isinstance(item, list) and item and isinstance(item[0], str):
        kind = item[0]
        values = dict(zip(_FIELDS.get(kind, ()), item[1:], strict=False))
    else:
        raise MalformedError("an event is a map with a type, or an array that begins with it")
    match kind:
        case "BlockStored":
            return _stored(values)
        case "BlockRemoved":
            return Removed(_hashes(values), _is_plain(values))
        case "AllBlocksCleared":
            return Cleared()
    return None


def _stored(values: dict[Any, Any]) -> Stored:
    hashes, parent = _hashes(values), values.get("parent_block_hash")
    if parent is not None and not _is_hash(parent):
        raise MalformedError("parent_block_hash is an integer, bytes or nothing")
    tokens, block_tokens = values.get("token_ids"), values.get("block_size")
    if type(block_tokens) is not int or not 0 < block_tokens <= _BLOCK_TOKENS_MAX:
        raise MalformedError("block_size is the number of tokens of a block")
    if not isinstance(tokens, list) or not all(
        type(token) is int and 0 <= token <= _TOKEN_ID_MAX for token in tokens
    ):
        raise MalformedError("token_ids is an array of token ids")
    if len(tokens) != block_tokens * len(hashes):
        raise MalformedError("token_ids are as many as the blocks have")
    return Stored(hashes, parent, tokens, block_tokens, _salt(values), _is_plain(values))


def _salt(values: dict[Any, Any]) -> str | None:
    """The first text among the extra keys of a prompt's first block: adapters are told beside it."""
    keys = values.get("extra_keys")
    if values.get("parent_block_hash") is not None or not isinstance(keys, list) or not keys:
        return None
    texts = [key for key in keys[0] or () if isinstance(key, str)] if _is_list(keys[0]) else []
    return texts[-1] if texts else None


def _is_list(value: object) -> bool:
    return value is None or isinstance(value, list | tuple)


def _is_plain(values: dict[Any, Any]) -> bool:
    """No adapter, not spilt to another memory, not of a further group of layers."""
    medium, locality = values.get("medium"), values.get("locality")
    return (
        values.get("lora_id") is None
        and values.get("lora_name") is None
        and (medium is None or medium == "GPU")
        and (locality is None or locality == "LOCAL")
        and values.get("group_idx") in (None, 0)
    )


def _hashes(values: dict[Any, Any]) -> Sequence[BlockHash]:
    hashes = values.get("block_hashes")
    if not isinstance(hashes, list) or not all(_is_hash(item) for item in hashes):
        raise MalformedError("block_hashes is an array of integers or bytes")
    return hashes


def _is_hash(value: object) -> bool:
    return type(value) is int or isinstance(value, bytes)
