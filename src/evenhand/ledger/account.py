"""Accounts: one for each consumer and one for each model, in each currency."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from evenhand.model import ApplicationName, KeyId, ModelName, TenantPath


class Side(StrEnum):
    """A consumer's account is only ever debited, a model's only ever credited, and every transfer
    does both by the same amounts: so the sums over either side are equal."""

    CONSUMER = "consumer"
    MODEL = "model"


class Consumer(NamedTuple):
    """Who used something: the key, and whose it was at that time."""

    tenant: TenantPath
    application: ApplicationName
    key: KeyId


@dataclass(slots=True, eq=False)
class Account:
    """`posted_*` is what settled transfers have moved, `held_*` what open holds may still move.

    Tokens are counted as in `Usage` (input includes cached input); `nano` is money in nano-units of
    `currency` ("" where nothing is priced). Reasoning is a part of output.
    """

    number: int
    owner: Consumer | ModelName
    currency: str
    posted_input: int = 0
    posted_cached: int = 0
    posted_output: int = 0
    posted_nano: int = 0
    held_input: int = 0
    held_output: int = 0
    held_nano: int = 0
    posted_reasoning: int = 0
    posted_gpu_us: int = 0

    @property
    def side(self) -> Side:
        return Side.CONSUMER if isinstance(self.owner, Consumer) else Side.MODEL
