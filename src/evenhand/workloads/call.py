"""One request as a client means it, before it becomes bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a conversation; `role` as in the OpenAI API."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked. `output_tokens_max` bounds the answer; no answer changes a later call."""

    tenant: str
    messages: tuple[Message, ...]
    output_tokens_max: int

    @property
    def prompt_characters(self) -> int:
        """Length of all texts together."""
        return sum(len(message.text) for message in self.messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A call that comes `at_s` seconds after the start, whatever became of those before it."""

    at_s: float
    call: Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A call that its client sends `think_s` seconds after the answer to the step before."""

    think_s: float
    call: Call
