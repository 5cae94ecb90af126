"""What each kind of engine understands beyond the OpenAI fields, and the body it is therefore sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evenhand.wire.carriers import CARRIERS
from evenhand.wire.completion import Completion
from evenhand.wire.members import Members


class EngineKind(StrEnum):
    """Kinds of engines, as named in the configuration."""

    EMBEDDED = "embedded"
    VLLM = "vllm"
    SGLANG = "sglang"
    LLAMACPP = "llamacpp"
    TRTLLM = "trtllm"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is beyond OpenAI's fields, and what is less.

    `usage`: understands `stream_options.include_usage`. `usage_each`: and
    `continuous_usage_stats`, exact usage on every chunk. `cache_salt`: keeps a prefix cache apart per
    salt, `salts_embeddings`: in requests for embeddings too. `cache_prompt`: has no salt, but reuse of
    prompts can be switched per request.
    `counts_one_choice`: its usage is that of one choice and one prompt, however many there were
    (but of all inputs of embeddings). `chat_limit`: the member that bounds the answer to a chat.
    """

    usage: bool = True
    usage_each: bool = False
    cache_salt: bool = False
    salts_embeddings: bool = False
    cache_prompt: bool = False
    counts_one_choice: bool = False
    chat_limit: str = "max_tokens"


DIALECTS: dict[EngineKind, Dialect] = {
    EngineKind.EMBEDDED: Dialect(cache_prompt=True, counts_one_choice=True),
    EngineKind.VLLM: Dialect(usage_each=True, cache_salt=True, salts_embeddings=True),
    EngineKind.SGLANG: Dialect(usage_each=True, cache_salt=True),
    EngineKind.LLAMACPP: Dialect(cache_prompt=True, counts_one_choice=True),
    EngineKind.TRTLLM: Dialect(),
    # A stranger behind this API may refuse any field it does not know: none is added.
    EngineKind.OPENAI: Dialect(usage=False, chat_limit="max_completion_tokens"),
}


@dataclass(frozen=True, slots=True)
class EngineBody:
    """The bytes to send, and whether they ask for usage that the client did not ask for."""

    body: bytes
    asks_for_more: bool


def engine_body(
    members: Members, completion: Completion, dialect: Dialect, *, cache_salt: str | None
) -> EngineBody:
    """The client's body as that engine gets it: JSON-equal but for carriers and what we must set.

    `cache_salt` is the trust domain's; None while all tenants are of one domain.
    """
    put: dict[str, bytes] = {}
    asks_for_more = False
    if completion.is_stream and dialect.usage:
        # Usage on each chunk is that of the chunk's own choice, so it adds up for one choice only.
        each = dialect.usage_each and completion.choices == 1
        options = _stream_options(completion.stream_options, each=each)
        if options != completion.stream_options:
            put["stream_options"] = json.dumps(options).encode()
            asks_for_more = True
    takes_salt = dialect.salts_embeddings if completion.is_embedding else dialect.cache_salt
    if completion.limit_is_ours:
        is_chat = any(member.key == "messages" for member in members.members)
        name = dialect.chat_limit if is_chat else "max_tokens"
        put[name] = json.dumps(completion.output_tokens_max).encode()
    if cache_salt is not None and takes_salt:
        put["cache_salt"] = json.dumps(cache_salt).encode()
    if dialect.cache_prompt and not completion.is_embedding:
        put["cache_prompt"] = b"true" if cache_salt is None else b"false"
    drop = [member.key for member in members.members if member.folded in CARRIERS]
    return EngineBody(members.rewritten(drop=drop, put=put), asks_for_more)


def _stream_options(asked: Mapping[str, object], *, each: bool) -> dict[str, object]:
    options = {**asked, "include_usage": True}
    if each:
        options["continuous_usage_stats"] = True
    return options
