"""The one error of the embedded engine."""


class EmbeddedEngineError(Exception):
    """The embedded engine cannot be had. The message is for a person and says what to do."""
