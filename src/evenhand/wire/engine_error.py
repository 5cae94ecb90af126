"""What an engine says went wrong, in any of the shapes that engines use."""

from collections.abc import Mapping

_MESSAGE_CHARS_MAX = 1_000

UNWELL = frozenset({429, 502, 503, 504})
"""Statuses by which an engine, or what stands before it, says that it cannot take requests."""

BLAMES_GATEWAY = frozenset({401, 403, 404, 405, 407, 421, 501})
"""Statuses that blame the gateway's own credential or configuration, never the client. 501 is what
llama.cpp says to embeddings if it was not started for them."""


def engine_message(document: object) -> str | None:
    """The message of an error body; None if it has none. Cut where it is long.

    OpenAI's shape has it in `error`; SGLang's is bare, FastAPI's calls it `detail`, and Ollama's
    `error` is the message itself.
    """
    if not isinstance(document, Mapping):
        return None
    response = document.get("response")  # of an event of `/v1/responses`
    error = document.get("error") or (
        response.get("error") if isinstance(response, Mapping) else None
    )
    inner = error.get("message") if isinstance(error, Mapping) else error
    for said in (inner, document.get("message"), document.get("detail")):
        if isinstance(said, str) and said:
            return said[:_MESSAGE_CHARS_MAX]
    return None


def is_openai_error(document: object) -> bool:
    """Whether it is an error body that the OpenAI SDKs read as it is."""
    error = document.get("error") if isinstance(document, Mapping) else None
    return isinstance(error, Mapping) and isinstance(error.get("message"), str)


def refusal_status(document: object) -> int | None:
    """The status of an error that blames the request; None if it blames anything else. vLLM refuses some
    streamed requests inside the stream, after a 200, with the status as the error's code."""
    if not isinstance(document, Mapping) or not is_openai_error(document):
        return None
    code = document["error"].get("code")
    if type(code) is not int or not 400 <= code < 500 or code in UNWELL | BLAMES_GATEWAY:
        return None
    return code
