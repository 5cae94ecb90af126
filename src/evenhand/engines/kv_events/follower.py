"""From events of blocks to what an engine holds: which prompt a block ends, and how much it is in all.

An event names blocks by hashes and tells the tokens of new ones. What the prompt was up to a block's end
is known while the block is: by the extent with which it was stored, and the extents before that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evenhand.engines.kv_events.contract import EventListener
from evenhand.engines.kv_events.events import BlockHash, Cleared, Event, Removed, Stored
from evenhand.engines.kv_events.packed_tokens import TOKEN_BYTES, packed

BLOCKS_MAX = 262_144
"""Followed at an engine, some 250 bytes each: 4 million tokens in blocks of 16."""

_TELLING = 64
"""How much is held is told again when it has changed by so large a part of it."""


@dataclass(slots=True, eq=False)
class _Extent:
    """Blocks that were stored together: their tokens, empty where it is not known what prompt they
    continue; after so many bytes of which extent they come, None at the beginning of a prompt."""

    text: bytes
    block_tokens: int
    parent: "_Extent | None" = None
    parent_bytes: int = 0
    salt: str | None = None

    def prefix(self, length: int) -> bytes:
        """The prompt from its beginning, with so many bytes of this extent."""
        extent, pieces = self, [self.text[:length]]
        while extent.parent is not None:
            pieces.append(extent.parent.text[: extent.parent_bytes])
            extent = extent.parent
        return b"".join(reversed(pieces))


class BlockFollower:
    """Of one engine. `vocabulary`: prefixes are told too, not only how much is held; token ids must be
    below it, or they are another model's, and no prefix is told any more. None: none is."""

    def __init__(self, listener: EventListener, *, vocabulary: int | None) -> None:
        self._listener = listener
        self._vocabulary = vocabulary
        # Where in its extent each block ends. Bounded by BLOCKS_MAX.
        self._blocks: dict[BlockHash, tuple[_Extent, int]] = {}
        self._held_tokens = 0
        self._told_tokens: int | None = None
        self._is_complete = False
        self._is_over = False

    @property
    def blocks(self) -> int:
        """How many are followed."""
        return len(self._blocks)

    def begin(self, *, is_empty: bool) -> None:
        """What was known counts no more. `is_empty`: the engine holds nothing, so that from now on all
        that it holds will be known."""
        self._blocks.clear()
        if self._told_tokens is not None:
            self._listener.on_held(None)
        self._held_tokens, self._told_tokens = 0, None
        self._is_complete, self._is_over = is_empty, False

    def take(self, events: Iterable[Event]) -> None:
        """A batch, in its order."""
        has_lost = self._told_tokens is not None
        for event in events:
            match event:
                case Stored():
                    self._stored(event)
                case Removed(is_plain=True):
                    has_lost = self._removed(event.hashes) or has_lost
                case Cleared():
                    self.begin(is_empty=True)
                    has_lost = False
                    self._listener.on_cleared("cleared its cache")
        if has_lost and self._is_complete:
            self._tell_held()

    def _stored(self, event: Stored) -> None:
        if not event.is_plain or self._is_over:
            return
        if len(self._blocks) + len(event.hashes) > BLOCKS_MAX:
            self._listener.on_event("too_many_blocks", blocks_max=BLOCKS_MAX)
            self.begin(is_empty=False)
            self._is_over = True
            return
        extent = self._extent(event)
        for number, name in enumerate(event.hashes, start=1):
            if name not in self._blocks:
                self._held_tokens += event.block_tokens
            self._blocks[name] = extent, number * event.block_tokens * TOKEN_BYTES
        if extent.text:
            self._listener.on_stored(extent.prefix(len(extent.text)), extent.salt)

    def _extent(self, event: Stored) -> _Extent:
        if event.parent is None:
            return _Extent(self._text(event.tokens), event.block_tokens, salt=event.salt)
        parent, parent_bytes = self._blocks.get(event.parent, (None, 0))
        if parent is None or not parent.text:
            return _Extent(b"", event.block_tokens)
        text = self._text(event.tokens)
        return _Extent(text, event.block_tokens, parent, parent_bytes, parent.salt)

    def _text(self, tokens: Sequence[int]) -> bytes:
        if self._vocabulary is None:
            return b""
        if max(tokens, default=0) >= self._vocabulary:
            self._listener.on_event("other_model", vocabulary=self._vocabulary)
            self._vocabulary = None
            return b""
        return packed(tokens)

    def _removed(self, hashes: Sequence[BlockHash]) -> bool:
        """True: some of them were known. Of each extent the first block that is gone says it all."""
        ends: dict[_Extent, int] = {}
        is_known = False
        for name in hashes:
            extent, end = self._blocks.pop(name, (None, 0))
            if extent is not None:
                is_known = True
                self._held_tokens -= extent.block_tokens
                ends[extent] = min(end, ends.get(extent, end))
        for extent, end in ends.items():
            if extent.text:
                self._listener.on_removed(extent.prefix(end), extent.salt)
        return is_known

    def _tell_held(self) -> None:
        told, held = self._told_tokens, self._held_tokens
        if told is None or abs(held - told) * _TELLING >= max(told, 1):
            self._told_tokens = held
            self._listener.on_held(held)
