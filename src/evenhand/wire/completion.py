"""What the gateway must know of a completion body; all else is the engine's to judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.wire.body_problem import BodyProblem, body_problem
from evenhand.wire.members import Members
from evenhand.wire.prompts import read_prompts

_MAX_TOKENS = ("max_completion_tokens", "max_tokens", "n_predict")
"""Names for the most output tokens: OpenAI's two and llama.cpp's own."""

CHOICES = ("n", "best_of", "n_cmpl")
"""Names for completions per prompt; the last is llama.cpp's own and goes before its `n`."""

_PROMPT_MEMBERS = frozenset(
    {
        *("messages", "prompt", "suffix", "tools", "functions"),
        *("documents", "chat_template", "chat_template_kwargs", "response_format"),
    }
)

_LEAST = dict.fromkeys(CHOICES, 1) | dict.fromkeys(_MAX_TOKENS, 0)

_READ_HERE = frozenset(
    {"model", "stream", "stream_options", *_MAX_TOKENS, *CHOICES, *_PROMPT_MEMBERS}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A request for completions, or for embeddings, as far as scheduling and relay are concerned.

    `prompt_bytes` is the JSON length of all that becomes the prompt, less what is no text (images,
    sound); `prompt_tokens` is exact and set where token ids were sent; `choices` is completions in
    all (n or best_of, times `prompts`). Embeddings are one choice without output, however many
    prompts they are of. `limit_is_ours`: the client has named no `output_tokens_max`; the engine must be
    told of it.
    """

    model: str
    is_stream: bool
    wants_usage: bool
    wants_usage_each: bool
    stream_options: Mapping[str, Any]
    prompt_bytes: int
    prompt_tokens: int | None
    output_tokens_max: int | None
    prompts: int
    choices: int
    is_embedding: bool = False
    limit_is_ours: bool = False


def read_completion(document: Mapping[str, Any], members: Members) -> Completion | BodyProblem:
    """The facts of a parsed body, or the first problem found."""
    counts = {name: document[name] for name in _LEAST.keys() & document.keys()}
    problem = body_problem(document, members, read_here=_READ_HERE) or _counts_problem(counts)
    if problem is not None:
        return problem
    stream = document.get("stream") or False
    if not isinstance(stream, bool):
        return BodyProblem("stream must be true or false.", "stream")
    options = document.get("stream_options") or {}
    if not isinstance(options, dict):
        return BodyProblem("stream_options must be an object.", "stream_options")
    prompts = read_prompts("prompt", document.get("prompt"))
    if isinstance(prompts, BodyProblem):
        return prompts
    asked = [counts[name] for name in _MAX_TOKENS if counts.get(name) is not None]
    choices = max([counts.get(name) or 1 for name in CHOICES])
    wants_usage = options.get("include_usage") is True
    return Completion(
        model=document["model"],
        is_stream=stream,
        wants_usage=wants_usage,
        # Engines heed the second only beside the first.
        wants_usage_each=wants_usage and options.get("continuous_usage_stats") is True,
        stream_options=options,
        prompt_bytes=max(0, members.value_bytes(_PROMPT_MEMBERS) - _no_text_bytes(document)),
        prompt_tokens=prompts.tokens,
        output_tokens_max=max(asked) if asked else None,
        prompts=prompts.count,
        choices=choices * prompts.count,
    )


def _no_text_bytes(document: Mapping[str, Any]) -> int:
    """Bytes of images and sound that stand in messages: they become few tokens, if any."""
    messages = document.get("messages")
    if not isinstance(messages, list):
        return 0
    contents = [m.get("content") for m in messages if isinstance(m, dict)]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return sum(
        len(value)
        for part in parts
        if isinstance(part, dict) and part.get("type") != "text"
        for holder in part.values()
        if isinstance(holder, dict)
        for value in holder.values()
        if isinstance(value, str)
    )


def _counts_problem(counts: Mapping[str, Any]) -> BodyProblem | None:
    for name, value in counts.items():
        least = _LEAST[name]
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            return BodyProblem(f"{name} must be a whole number of at least {least}.", name)
    return None
