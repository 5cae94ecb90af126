"""What the gateway must know of a completion body; all else is the engine's to judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.wire.members import Members

_MAX_TOKENS = ("max_completion_tokens", "max_tokens", "n_predict")
"""Names for the most output tokens: OpenAI's two and llama.cpp's own."""

_CHOICES = ("n", "best_of", "n_cmpl")
"""Names for completions per prompt; the last is llama.cpp's own and goes before its `n`."""

_PROMPT_MEMBERS = frozenset(
    {
        *("messages", "prompt", "suffix", "tools", "functions"),
        *("documents", "chat_template", "chat_template_kwargs", "response_format"),
    }
)

_LEAST = dict.fromkeys(_CHOICES, 1) | dict.fromkeys(_MAX_TOKENS, 0)

_READ_HERE = frozenset(
    {"model", "stream", "stream_options", *_MAX_TOKENS, *_CHOICES, *_PROMPT_MEMBERS}
)


@dataclass(frozen=True, slots=True)
class BodyProblem:
    """Why a body is refused; `param` names the member."""

    message: str
    param: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A request for completions, as far as scheduling and relay are concerned.

    `prompt_bytes` is the JSON length of all that becomes the prompt, less what is no text (images,
    sound); `prompt_tokens` is exact and set where token ids were sent; `choices` is completions in
    all (n or best_of, times `prompts`).
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


def read_completion(document: Mapping[str, Any], members: Members) -> Completion | BodyProblem:
    """The facts of a parsed body, or the first problem found."""
    disguised = _disguised(members)
    if disguised is not None:
        return BodyProblem(f"Write {disguised!r} in lower case.", disguised)
    model = document.get("model")
    if not isinstance(model, str) or not model:
        return BodyProblem("Name the model: a non-empty string.", "model")
    stream = document.get("stream") or False
    if not isinstance(stream, bool):
        return BodyProblem("stream must be true or false.", "stream")
    options = document.get("stream_options") or {}
    if not isinstance(options, dict):
        return BodyProblem("stream_options must be an object.", "stream_options")
    prompts, prompt_tokens, problem = _prompts(document)
    counts = {name: document[name] for name in _LEAST.keys() & document.keys()}
    problem = problem or _counts_problem(counts)
    if problem is not None:
        return problem
    asked = [counts[name] for name in _MAX_TOKENS if counts.get(name) is not None]
    choices = max([counts.get(name) or 1 for name in _CHOICES])
    wants_usage = options.get("include_usage") is True
    return Completion(
        model=model,
        is_stream=stream,
        wants_usage=wants_usage,
        # Engines heed the second only beside the first.
        wants_usage_each=wants_usage and options.get("continuous_usage_stats") is True,
        stream_options=options,
        prompt_bytes=max(0, members.value_bytes(_PROMPT_MEMBERS) - _no_text_bytes(document)),
        prompt_tokens=prompt_tokens,
        output_tokens_max=max(asked) if asked else None,
        prompts=prompts,
        choices=choices * prompts,
    )


def _disguised(members: Members) -> str | None:
    """Some readers ignore case: what we would overlook, an engine might heed."""
    for member in members.members:
        if member.folded != member.key and member.folded in _READ_HERE:
            return member.key
    return None


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
    for name, least in _LEAST.items():
        value = counts.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            return BodyProblem(f"{name} must be a whole number of at least {least}.", name)
    return None


def _prompts(document: Mapping[str, Any]) -> tuple[int, int | None, BodyProblem | None]:
    """How many prompts there are, and their tokens in all if they are given as token ids."""
    prompt = document.get("prompt")
    if not isinstance(prompt, list):
        return 1, None, None
    if not prompt:
        return 1, None, BodyProblem("prompt must not be an empty list.", "prompt")
    if all(type(item) is int for item in prompt):
        return 1, len(prompt), None
    if all(isinstance(item, list) and all(type(t) is int for t in item) for item in prompt):
        return len(prompt), sum(len(item) for item in prompt), None
    if all(isinstance(item, str) for item in prompt):
        return len(prompt), None, None
    message = "prompt must be a string, a list of strings, of token ids, or of lists of token ids."
    return 1, None, BodyProblem(message, "prompt")
