"""Tokenising beside the loop: one thread, in which a long prompt takes its time and nobody else's."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from evenhand.engines.tokenizer.prompt_tokenizer import PromptTokenizer, PromptTokens
from evenhand.model import ModelName

WAITING_BYTES_MAX = 256 << 10
"""Of bodies that wait for the thread, some 0.3 s of its time; a further one is compared as text."""


class Tokenizing:
    """`close` at the end."""

    def __init__(
        self, tokenizers: Mapping[ModelName, PromptTokenizer], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._tokenizers = tokenizers
        self._loop = loop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")
        self._waiting_bytes = 0
        self.counts = {"tokens": 0, "uncertain": 0, "crowded_out": 0}
        """Prompts that became tokens, that could not with certainty, and that found too many waiting."""

    def reads(self, model: ModelName) -> bool:
        """Its prompts are compared by their tokens."""
        return model in self._tokenizers

    def begin(
        self, model: ModelName, body: bytes, done: Callable[[PromptTokens | None], None]
    ) -> None:
        """`done` is called on the loop, perhaps before this returns; with None the prompt is to be
        compared as text. `body` is a JSON object."""
        if self._waiting_bytes and self._waiting_bytes + len(body) > WAITING_BYTES_MAX:
            self.counts["crowded_out"] += 1
            done(None)
            return
        self._waiting_bytes += len(body)
        future = self._thread.submit(self._tokenizers[model].tokens, body)
        future.add_done_callback(lambda ended: self._tell(ended, len(body), done))

    def close(self) -> None:
        """Wait for what runs, drop what waits: nobody is told any more."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _tell(
        self,
        ended: Future[PromptTokens | None],
        body_bytes: int,
        done: Callable[[PromptTokens | None], None],
    ) -> None:
        if not ended.cancelled() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_on_loop, ended, body_bytes, done)

    def _tell_on_loop(
        self,
        ended: Future[PromptTokens | None],
        body_bytes: int,
        done: Callable[[PromptTokens | None], None],
    ) -> None:
        self._waiting_bytes -= body_bytes
        error = ended.exception()
        if error is not None:
            self._loop.call_exception_handler(
                {"message": "a prompt could not be tokenised", "exception": error}
            )
        tokens = None if error is not None else ended.result()
        self.counts["uncertain" if tokens is None else "tokens"] += 1
        done(tokens)
