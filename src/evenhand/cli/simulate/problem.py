"""What is asked cannot be simulated."""


class SimulateError(Exception):
    """The message is for a person and says what to write; `option` is whose value is to blame."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"{option}: {message}")
