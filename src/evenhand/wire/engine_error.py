"""What an engine says went wrong, in any of the shapes that engines use."""

from collections.abc import Mapping

_MESSAGE_CHARS_MAX = 1_000


def engine_message(document: object) -> str | None:
    """The message of an error body; None if it has none. Cut where it is long.

    OpenAI's shape has it in `error`; SGLang's is bare, FastAPI's calls it `detail`, and Ollama's
    `error` is the message itself.
    """
    if not isinstance(document, Mapping):
        return None
    error = document.get("error")
    inner = error.get("message") if isinstance(error, Mapping) else error
    for said in (inner, document.get("message"), document.get("detail")):
        if isinstance(said, str) and said:
            return said[:_MESSAGE_CHARS_MAX]
    return None


def is_openai_error(document: object) -> bool:
    """Whether it is an error body that the OpenAI SDKs read as it is."""
    error = document.get("error") if isinstance(document, Mapping) else None
    return isinstance(error, Mapping) and isinstance(error.get("message"), str)
