"""Corrections: what somebody decides after a request has ended. A new transfer, never a changed one."""

from dataclasses import dataclass
from typing import NamedTuple

from evenhand.ledger.account import Account, Consumer
from evenhand.ledger.money import decimal_text
from evenhand.model import ModelName


class CorrectionRow(NamedTuple):
    """Why a correction was booked, in the order of its columns. `transfer` is the id of its transfer;
    `reference` names it, once and for ever; `request` is the one that it is about, if it is about
    one."""

    transfer: int
    reference: str
    author: str
    reason: str
    request: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What to book: amounts above nothing are charged, those below are given back. `input_tokens`
    includes the cached ones, `output_tokens` the reasoning; `nano` is in nano-units of `currency`,
    `gpu_us` are microseconds of GPUs."""

    consumer: Consumer
    model: ModelName
    currency: str
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    nano: int = 0
    reasoning_tokens: int = 0
    gpu_us: int = 0
    reference: str
    author: str
    reason: str
    request: str | None = None

    @property
    def is_empty(self) -> bool:
        return not any(
            (
                *(self.input_tokens, self.cached_input_tokens, self.output_tokens),
                *(self.nano, self.reasoning_tokens, self.gpu_us),
            )
        )


class CorrectionRefusedError(Exception):
    """The books do not take it; the message says why. Nothing was done."""


def refuse_too_much(account: Account, correction: Correction) -> None:
    """Nobody gets back more than was posted. Raises CorrectionRefusedError."""
    cached = account.posted_cached + correction.cached_input_tokens
    input_tokens = account.posted_input + correction.input_tokens
    reasoning = account.posted_reasoning + correction.reasoning_tokens
    output_tokens = account.posted_output + correction.output_tokens
    left = {
        "cached input tokens": cached,
        "input tokens that were not cached": input_tokens - cached,
        "reasoning tokens": reasoning,
        "output tokens that were no reasoning": output_tokens - reasoning,
        "microseconds of GPUs": account.posted_gpu_us + correction.gpu_us,
    }
    for name, amount in left.items():
        if amount < 0:
            raise CorrectionRefusedError(
                f"that would leave {amount} {name} on the account: give back less"
            )
    if (nano := account.posted_nano + correction.nano) < 0:
        posted = decimal_text(account.posted_nano)
        raise CorrectionRefusedError(
            f"that would leave {decimal_text(nano)} of {posted} on the account: give back less"
        )
