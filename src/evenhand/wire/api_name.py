"""The APIs that clients speak, by the names that the configuration has for them."""

from enum import StrEnum


class ApiName(StrEnum):
    """One for each shape of request and answer. `COMPLETIONS` are chats and texts."""

    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MESSAGES = "messages"
