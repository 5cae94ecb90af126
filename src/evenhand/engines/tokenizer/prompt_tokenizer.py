"""From a request's body to the token ids of its prompt, or to nothing where they are not certain."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from evenhand.engines.kv_events.packed_tokens import packed
from evenhand.engines.tokenizer.chat_template import Render

TEXT_CHARACTERS_MAX = 64 << 10
"""Of a prompt's text; what follows counts as unlike. Tokenising so much takes some 0.1 s."""

_UNCERTAIN_TOKENS = 16
"""At the end of a text that was cut: their last word may be another one."""

_PLAIN_MESSAGE = frozenset({"role", "content"})
_CHANGES_PROMPT = frozenset(
    {
        *("tools", "functions", "documents", "chat_template", "chat_template_kwargs"),
        *("add_special_tokens", "continue_final_message", "truncate_prompt_tokens"),
        *("suffix", "prompt_embeds", "response_format", "tool_choice", "reasoning_effort"),
        *("mm_processor_kwargs", "include_reasoning", "echo"),
    }
)
"""Members that may have a say in what an engine makes of a prompt, in a way that is its own."""

Encode = Callable[[str, bool], list[int]]
"""A text's token ids, with or without the tokens that the tokenizer puts around any text."""


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """`ids` packed; `count` is how many the whole prompt has, None where it was cut."""

    ids: bytes
    count: int | None


class PromptTokenizer:
    """Of one model. `vocabulary`: all its token ids are below it."""

    def __init__(self, encode: Encode, render: Render | None, *, vocabulary: int) -> None:
        self._encode = encode
        self._render = render
        self.vocabulary = vocabulary

    def tokens(self, body: bytes) -> PromptTokens | None:
        """None: not certain. Never raises for what a body may hold."""
        document = orjson.loads(body)
        if not _CHANGES_PROMPT.isdisjoint(document):
            return None
        prompt = document.get("prompt")
        if isinstance(prompt, str):
            return self._of_text(prompt, adds_special=True)
        if isinstance(prompt, list):
            return self._of_ids(prompt)
        messages = document.get("messages")
        adds_beginning = document.get("add_generation_prompt", True)
        if self._render is None or not _are_plain(messages) or adds_beginning not in (True, False):
            return None
        try:
            text = self._render(messages, adds_beginning)
        except Exception:  # noqa: BLE001 - a template raises what it likes; its engine will tell the client
            return None
        return self._of_text(text, adds_special=False)

    def _of_text(self, text: str, *, adds_special: bool) -> PromptTokens | None:
        is_cut = len(text) > TEXT_CHARACTERS_MAX
        ids = self._encode(text[:TEXT_CHARACTERS_MAX], adds_special)
        if is_cut:
            return PromptTokens(packed(ids[:-_UNCERTAIN_TOKENS]), None)
        return PromptTokens(packed(ids), len(ids))

    def _of_ids(self, ids: list[Any]) -> PromptTokens | None:
        if not ids or not all(type(token) is int and 0 <= token < self.vocabulary for token in ids):
            return None
        return PromptTokens(packed(ids[:TEXT_CHARACTERS_MAX]), len(ids))


def _are_plain(messages: object) -> bool:
    """Texts and roles: what else there may be, engines put before a template in ways of their own."""
    return isinstance(messages, list) and all(
        isinstance(message, Mapping)
        and _PLAIN_MESSAGE.issuperset(message)
        and isinstance(message.get("content"), str)
        and isinstance(message.get("role"), str)
        for message in messages
    )
