"""All APIs that are served, by their paths."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from evenhand.gateway.apis.api import Api
from evenhand.gateway.apis.errors import AnthropicErrors, Errors, OpenAIErrors, ResponsesErrors
from evenhand.gateway.apis.texts import completion_texts, message_texts, response_texts
from evenhand.wire.api_name import ApiName
from evenhand.wire.completion import Completion, read_completion
from evenhand.wire.dialect import engine_body, one_answer_body
from evenhand.wire.embedding import read_embedding
from evenhand.wire.event_meter import MESSAGES, RESPONSES, EventMeter, EventWords
from evenhand.wire.hidden_cache import (
    without_cached,
    without_cached_in_message,
    without_cached_in_messages_events,
)
from evenhand.wire.messages_body import read_counted, read_message
from evenhand.wire.meter import Meter
from evenhand.wire.responses_body import read_response
from evenhand.wire.stream_meter import StreamMeter
from evenhand.wire.usage import completion_report
from evenhand.wire.usage_report import messages_usage, responses_usage


def _completions_meter(completion: Completion, asks_for_more: bool) -> Meter:  # noqa: FBT001 - one of two
    return StreamMeter(
        client_wants_usage=completion.wants_usage,
        client_wants_each=completion.wants_usage_each,
        asked_for_more=asks_for_more,
    )


def _meter_of(words: EventWords) -> Callable[[Completion, bool], Meter]:
    return lambda _, __: EventMeter(words)


_plain = partial(
    Api,
    errors=OpenAIErrors(),
    engine_body=engine_body,
    meter=_completions_meter,
    usage=completion_report,
    texts=completion_texts,
    hide_in_stream=without_cached,
    hide_in_whole=without_cached,
)


_MESSAGES: Final = Api(
    name=ApiName.MESSAGES,
    path="/v1/messages",
    errors=AnthropicErrors(),
    read=read_message,
    engine_body=one_answer_body,
    meter=_meter_of(MESSAGES),
    usage=messages_usage,
    texts=message_texts,
    hide_in_stream=without_cached_in_messages_events,
    hide_in_whole=without_cached_in_message,
    ids_within="message",
)
COUNTING: Final = replace(_MESSAGES, path="/v1/messages/count_tokens", read=read_counted)
"""The same for a prompt that is only counted: see `TokenCount`."""
_ALL: Final = (
    _plain(path="/v1/chat/completions", name=ApiName.COMPLETIONS, read=read_completion),
    _plain(path="/v1/completions", name=ApiName.COMPLETIONS, read=read_completion),
    _plain(path="/v1/embeddings", name=ApiName.EMBEDDINGS, read=read_embedding),
    Api(
        name=ApiName.RESPONSES,
        path="/v1/responses",
        errors=ResponsesErrors(),
        read=read_response,
        engine_body=one_answer_body,
        meter=_meter_of(RESPONSES),
        usage=responses_usage,
        texts=response_texts,
        hide_in_stream=without_cached,
        hide_in_whole=without_cached,
        ids_within="response",
        events_are_long=True,
    ),
    _MESSAGES,
)
_OPENAI: Final = OpenAIErrors()
APIS: Final[Mapping[str, Api]] = {api.path: api for api in _ALL}
"""By path."""


def errors_at(path: str) -> Errors:
    """How errors look at any path."""
    api = COUNTING if path == COUNTING.path else APIS.get(path)
    return _OPENAI if api is None else api.errors
