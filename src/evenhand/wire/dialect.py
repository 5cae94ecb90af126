"""What each kind of engine understands beyond the OpenAI fields, and the body it is therefore sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from evenhand.wire.api_name import ApiName
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
    `keeps_ids`: all of an answer has one id and one model, so that another's can be told from it.
    `apis`: what it serves beside completions and embeddings, as long as nothing else is said of it.
    `keeps_apart_in`: for which of these a salt, or the switch for reuse, is heeded too.
    """

    usage: bool = True
    usage_each: bool = False
    cache_salt: bool = False
    salts_embeddings: bool = False
    cache_prompt: bool = False
    counts_one_choice: bool = False
    chat_limit: str = "max_tokens"
    keeps_ids: bool = True
    apis: frozenset[ApiName] = frozenset()
    keeps_apart_in: frozenset[ApiName] = frozenset()


_BOTH = frozenset({ApiName.RESPONSES, ApiName.MESSAGES})
DIALECTS: dict[EngineKind, Dialect] = {
    # Started so that it reuses nothing unasked; asked in messages, it does not hear.
    EngineKind.EMBEDDED: Dialect(
        cache_prompt=True, counts_one_choice=True, apis=_BOTH, keeps_apart_in=_BOTH
    ),
    EngineKind.VLLM: Dialect(
        usage_each=True,
        cache_salt=True,
        salts_embeddings=True,
        apis=_BOTH,
        keeps_apart_in=_BOTH,
    ),
    EngineKind.SGLANG: Dialect(usage_each=True, cache_salt=True, apis=_BOTH),
    EngineKind.LLAMACPP: Dialect(
        cache_prompt=True,
        counts_one_choice=True,
        apis=_BOTH,
        keeps_apart_in=frozenset({ApiName.RESPONSES}),
    ),
    EngineKind.TRTLLM: Dialect(apis=frozenset({ApiName.RESPONSES})),
    # A stranger behind this API may refuse any field it does not know: none is added. And it may be a
    # router that makes up an id for each chunk, or goes on with another model.
    EngineKind.OPENAI: Dialect(usage=False, chat_limit="max_completion_tokens", keeps_ids=False),
}


def keeps_apart(dialect: Dialect, completion: Completion) -> bool:
    """Whether an engine can be kept from reusing for one trust domain what it computed for another."""
    if completion.is_embedding:
        return dialect.salts_embeddings
    if completion.api is not ApiName.COMPLETIONS:
        return completion.api in dialect.keeps_apart_in
    return dialect.cache_salt or dialect.cache_prompt


class EngineBody(NamedTuple):
    """The bytes to send, and whether they ask for usage that the client did not ask for."""

    body: bytes
    asks_for_more: bool


_USAGE = b',"stream_options":{"include_usage":true}'
_USAGE_EACH = b',"stream_options":{"include_usage":true,"continuous_usage_stats":true}'


def engine_body(
    members: Members,
    completion: Completion,
    dialect: Dialect,
    *,
    cache_salt: str | None,
    hints: bytes = b"",
) -> EngineBody:
    """The client's body as that engine gets it: JSON-equal but for carriers and what we must set.

    `cache_salt` is the trust domain's, of letters and digits; None while all tenants are of one domain.
    `hints` is the member that tells the scheduler inside the engine whose the request is.
    """
    keys = members.values
    drop: list[str] = []
    if members.disguised or not CARRIERS.isdisjoint(keys):
        drop = [key for key in keys if key.casefold() in CARRIERS]
    put = b""
    asks_for_more = False
    if completion.alias is not None:
        drop.append("model")
        put = _model(completion)
    if completion.is_stream and dialect.usage:
        # Usage on each chunk is that of the chunk's own choice, so it adds up for one choice only.
        each = dialect.usage_each and completion.choices == 1
        options = _stream_options(completion.stream_options, each=each)
        if options:
            drop.append("stream_options")
            put += options
            asks_for_more = True
    if completion.limit_is_ours:
        name = dialect.chat_limit if "messages" in keys else "max_tokens"
        drop.append(name)
        put += f',"{name}":{completion.output_tokens_max}'.encode()
    if cache_salt is not None and (
        dialect.salts_embeddings if completion.is_embedding else dialect.cache_salt
    ):
        assert cache_salt.isalnum(), "it is put in as it is"
        put += f',"cache_salt":"{cache_salt}"'.encode()
    if dialect.cache_prompt and not completion.is_embedding:
        put += b',"cache_prompt":true' if cache_salt is None else b',"cache_prompt":false'
    if not completion.is_embedding:
        put += hints  # vLLM hands no arguments of embeddings on
    return EngineBody(members.rewritten(drop=drop, put=put), asks_for_more)


def one_answer_body(
    members: Members,
    completion: Completion,
    dialect: Dialect,
    *,
    cache_salt: str | None,
    hints: bytes = b"",
) -> EngineBody:
    """The same of a body of `/v1/responses` or `/v1/messages`. Usage comes unasked there."""
    keys = members.values
    drop = [key for key in keys if key.casefold() in CARRIERS]
    put = b""
    if completion.alias is not None:
        drop.append("model")
        put = _model(completion)
    if completion.api is ApiName.RESPONSES:
        drop.append("store")
        put += b',"store":true' if completion.is_kept else b',"store":false'
        if completion.limit_is_ours:
            drop.append("max_output_tokens")
            put += f',"max_output_tokens":{completion.output_tokens_max}'.encode()
    if cache_salt is not None and dialect.cache_salt:
        assert cache_salt.isalnum(), "it is put in as it is"
        put += f',"cache_salt":"{cache_salt}"'.encode()
    if dialect.cache_prompt:
        put += b',"cache_prompt":true' if cache_salt is None else b',"cache_prompt":false'
    return EngineBody(members.rewritten(drop=drop, put=put + hints), asks_for_more=False)


def _model(completion: Completion) -> bytes:
    return b',"model":' + json.dumps(completion.model).encode()


def _stream_options(asked: Mapping[str, object], *, each: bool) -> bytes:
    """The member to put in place of what the client `asked`; empty if that asks for all we need."""
    if not asked:
        return _USAGE_EACH if each else _USAGE
    options = {**asked, "include_usage": True}
    if each:
        options["continuous_usage_stats"] = True
    return b"" if options == asked else b',"stream_options":' + json.dumps(options).encode()
