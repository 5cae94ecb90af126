"""Real embedded engines for tests: a model file that loads in a moment, and questions to ask."""

import functools
import http.client
import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evenhand.engines.embedded import EmbeddedSettings
from evenhand.engines.embedded.random_weights import ModelShape, write_random_model

_SMALL = ModelShape(hidden=64, layers=1, heads=2, feed_forward=64)
_folder = tempfile.TemporaryDirectory(prefix="evenhand-test-")


@functools.cache
def small_model_file() -> Path:
    """Written once per test session; gone with it."""
    path = Path(_folder.name) / "small.gguf"
    write_random_model(path, _SMALL)
    return path


def small_settings(**chosen: Any) -> EmbeddedSettings:
    small: dict[str, Any] = {
        "model_file": small_model_file(),
        "slots": 2,
        "context_tokens": 512,
        "threads": 1,
    }
    return EmbeddedSettings(**small | chosen)


def children() -> set[str]:
    """Process ids of what this thread has started and not reaped."""
    return set(Path("/proc/thread-self/children").read_text().split())


def get(url: str, path: str) -> tuple[int, bytes]:
    return _exchange(url, "GET", path, None)


def post(url: str, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
    return _exchange(url, "POST", path, json.dumps(body))


def events(answer: bytes) -> list[str]:
    """The data of each server-sent event."""
    return [line[6:].decode() for line in answer.splitlines() if line.startswith(b"data: ")]


def _exchange(url: str, method: str, path: str, body: str | None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
