"""Events of blocks as vLLM writes them, in both forms, and a publisher with a replay socket."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
import zmq

_END = (-1).to_bytes(8, "big", signed=True)


def stored(
    hashes: list[Any],
    tokens: list[int],
    *,
    parent: Any = None,
    block: int = 2,
    salt: str | None = None,
    form: str = "map",
    **more: Any,
) -> Any:
    event = {
        "type": "BlockStored",
        "block_hashes": hashes,
        "parent_block_hash": parent,
        "token_ids": tokens,
        "block_size": block,
        "lora_id": None,
        "medium": "GPU",
        "lora_name": None,
        "extra_keys": [[salt]] + [None] * (len(hashes) - 1) if salt else None,
    } | more
    return event if form == "map" else list(event.values())


def removed(hashes: list[Any], *, form: str = "map", **more: Any) -> Any:
    event = {"type": "BlockRemoved", "block_hashes": hashes, "medium": "GPU"} | more
    return event if form == "map" else list(event.values())


def cleared(*, form: str = "map") -> Any:
    return {"type": "AllBlocksCleared"} if form == "map" else ["AllBlocksCleared"]


def batch(*events: Any) -> list[Any]:
    return [1.5, list(events), 0]


@dataclass
class Heard:
    """Listens to a follower."""

    stored: list[tuple[bytes, str | None]] = field(default_factory=list)
    removed: list[tuple[bytes, str | None]] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    held: list[int | None] = field(default_factory=list)
    events: list[tuple[str, dict[str, str | float]]] = field(default_factory=list)

    def on_stored(self, tokens: bytes, salt: str | None) -> None:
        self.stored.append((tokens, salt))

    def on_removed(self, tokens: bytes, salt: str | None) -> None:
        self.removed.append((tokens, salt))

    def on_cleared(self, why: str) -> None:
        self.cleared.append(why)

    def on_held(self, tokens: int | None) -> None:
        self.held.append(tokens)

    def on_event(self, what: str, **facts: str | float) -> None:
        self.events.append((what, facts))


class Publisher:
    """A PUB socket and a ROUTER socket that answers from a buffer, as vLLM has them. `topic_in_replay`:
    as from 0.32 on."""

    def __init__(self, *, buffered: int = 1_000, topic_in_replay: bool = True) -> None:
        self._context = zmq.Context()
        self._pub = self._context.socket(zmq.XPUB)
        self._router = self._context.socket(zmq.ROUTER)
        self._pub_port = self._pub.bind_to_random_port("tcp://127.0.0.1")
        self._router_port = self._router.bind_to_random_port("tcp://127.0.0.1")
        self._buffer: deque[tuple[int, bytes]] = deque(maxlen=buffered)
        self._topic_in_replay = topic_in_replay
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()
        self.next = 0
        self.asked_from: list[int] = []

    @property
    def endpoint(self) -> str:
        return f"tcp://127.0.0.1:{self._pub_port}"

    @property
    def replay(self) -> str:
        return f"tcp://127.0.0.1:{self._router_port}"

    def subscribed(self) -> None:
        """Return when somebody has subscribed."""
        assert self._pub.poll(10_000)
        assert self._pub.recv() == b"\x01"

    def publish(self, *events: Any, is_lost: bool = False, raw: bytes | None = None) -> None:
        """`is_lost`: no subscriber hears of it."""
        number, self.next = self.next, self.next + 1
        payload = msgspec.msgpack.encode(batch(*events)) if raw is None else raw
        self._buffer.append((number, payload))
        if not is_lost:
            self._pub.send_multipart([b"", number.to_bytes(8, "big"), payload])

    def restart(self) -> None:
        self._buffer.clear()
        self.next = 0

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._context.destroy(linger=0)

    def _answer(self) -> None:
        while not self._stop.is_set():
            if not self._router.poll(20):
                continue
            client, _, first = self._router.recv_multipart()
            start = int.from_bytes(first, "big")
            self.asked_from.append(start)
            topic = [b""] if self._topic_in_replay else []
            for number, payload in list(self._buffer):
                if number >= start:
                    again = [client, b"", *topic, number.to_bytes(8, "big"), payload]
                    self._router.send_multipart(again)
            self._router.send_multipart([client, b"", *topic, _END, b""])
