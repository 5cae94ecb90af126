"""What the gateway must know of a completion body; all else is the engine's to judge."""

from collections.abc import Mapping
from operator import methodcaller
from typing import Any, NamedTuple

from evenhand.model import ModelName
from evenhand.wire.api_name import ApiName
from evenhand.wire.body_problem import BodyProblem, body_problem
from evenhand.wire.members import Members
from evenhand.wire.prompts import ONE_TEXT, read_prompts

_MAX_TOKENS = ("max_completion_tokens", "max_tokens", "n_predict")
"""Names for the most output tokens: OpenAI's two and llama.cpp's own."""

CHOICES = ("n", "best_of", "n_cmpl")
"""Names for completions per prompt; the last is llama.cpp's own and goes before its `n`."""

_LEAST_COUNTS = dict.fromkeys(CHOICES, 1) | dict.fromkeys(_MAX_TOKENS, 0)

_COUNTED = frozenset(_LEAST_COUNTS)
_PROMPT_MEMBERS = frozenset(
    {
        *("messages", "prompt", "suffix", "tools", "functions"),
        *("documents", "chat_template", "chat_template_kwargs", "response_format"),
    }
)

_READ_HERE = frozenset({"model", "stream", "stream_options", *_LEAST_COUNTS, *_PROMPT_MEMBERS})
_NO_OPTIONS: Mapping[str, Any] = {}
_content_of = methodcaller("get", "content")


class Completion(NamedTuple):
    """A request for completions, or for embeddings, as far as scheduling and relay are concerned.

    `prompt_bytes` is the JSON length of all that becomes the prompt, less what is no text (images,
    sound); `prompt_tokens` is exact and set where token ids were sent; `choices` is completions in
    all (n or best_of, times `prompts`). Embeddings are one choice without output, however many
    prompts they are of. `limit_is_ours`: the client has named no `output_tokens_max`; the engine must be
    told of it. `alias` is what the client calls the model, where that is another name. `previous` is the
    id of the response that it goes on from; `is_kept`: the engine may keep the answer for such a one.
    """

    model: ModelName
    is_stream: bool
    stream_options: Mapping[str, Any]
    prompt_bytes: int
    prompt_tokens: int | None
    output_tokens_max: int | None
    prompts: int
    choices: int
    is_embedding: bool = False
    limit_is_ours: bool = False
    api: ApiName = ApiName.COMPLETIONS
    alias: ModelName | None = None
    previous: str | None = None
    is_kept: bool = False

    def as_model(self, model: ModelName) -> "Completion":
        """The same, asked of a model by its own name."""
        return self._replace(model=model, alias=self.model)

    @property
    def wants_usage(self) -> bool:
        """The client asked for usage in the last chunk of a stream."""
        return self.stream_options.get("include_usage") is True

    @property
    def wants_usage_each(self) -> bool:
        """It asked for usage on each chunk. Engines heed that only beside the other."""
        return self.wants_usage and self.stream_options.get("continuous_usage_stats") is True


def read_completion(document: Mapping[str, Any], members: Members) -> Completion | BodyProblem:
    """The facts of a parsed body, or the first problem found."""
    problem = body_problem(document, members, read_here=_READ_HERE)
    if problem is not None:
        return problem
    counts = _counts(document)
    if isinstance(counts, BodyProblem):
        return counts
    stream = document.get("stream") or False
    if stream is not True and stream is not False:
        return BodyProblem("stream must be true or false.", "stream")
    options: Mapping[str, Any] = _NO_OPTIONS
    if "stream_options" in document:
        options = document["stream_options"] or _NO_OPTIONS
        if not isinstance(options, dict):
            return BodyProblem("stream_options must be an object.", "stream_options")
    prompts = ONE_TEXT
    if "prompt" in document:
        read = read_prompts("prompt", document["prompt"])
        if isinstance(read, BodyProblem):
            return read
        prompts = read
    prompt_bytes = members.value_bytes(_PROMPT_MEMBERS)
    messages = document.get("messages")
    if isinstance(messages, list) and _may_have_parts(messages):
        prompt_bytes = max(0, prompt_bytes - _no_text_bytes(messages))
    output_tokens_max, choices = counts
    return Completion(
        document["model"],
        stream,
        options,
        prompt_bytes,
        prompts.tokens,
        output_tokens_max,
        prompts.count,
        choices * prompts.count,
    )


def _counts(document: Mapping[str, Any]) -> tuple[int | None, int] | BodyProblem:
    """The most output tokens, if a bound is named, and the completions per prompt."""
    output_tokens_max, choices = None, 1
    for name in _COUNTED.intersection(document):
        value, least = document[name], _LEAST_COUNTS[name]
        if value is None:
            continue
        if type(value) is not int or value < least:  # true and false are no numbers
            return BodyProblem(f"{name} must be a whole number of at least {least}.", name)
        if name in CHOICES:
            choices = max(choices, value)
        elif output_tokens_max is None or value > output_tokens_max:
            output_tokens_max = value
    return output_tokens_max, choices


def _may_have_parts(messages: list[Any]) -> bool:
    """Whether any content is a list. Most are texts, and that is seen without a step for each."""
    try:
        return list in map(type, map(_content_of, messages))
    except AttributeError:
        return True  # a message is no object: they must be looked at one by one


def _no_text_bytes(messages: list[Any]) -> int:
    """Bytes of images and sound that stand in messages: they become few tokens, if any."""
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
