"""From what is asked to what can be booked: whose accounts, which amounts."""

import secrets
import sqlite3
from decimal import Decimal
from typing import NamedTuple

from evenhand.cli.corrections.asked import AskedCorrection, BookedAnswer
from evenhand.cli.exports.columns import Sort
from evenhand.cli.exports.csv_file import cell
from evenhand.ledger import Consumer, Correction
from evenhand.ledger.money import NANO, decimal_text
from evenhand.model import ApplicationName, KeyId, ModelName
from evenhand.stores.correction_query import (
    BookedCorrection,
    Correctable,
    accounts_between,
    correction_of,
    request_as_charged,
)
from evenhand.stores.problem import NotAsAskedError

_CHOICES_MAX = 10


class Amounts(NamedTuple):
    """What moves."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    nano: int
    reasoning_tokens: int
    gpu_us: int


def booked_before(
    connection: sqlite3.Connection, asked: AskedCorrection
) -> BookedCorrection | None:
    """The correction of that reference, if it is there and is this one. Raises NotAsAskedError where
    it is another."""
    if asked.reference is None:
        return None
    found = correction_of(connection, asked.reference)
    if found is None:
        return None
    if (found.reason, found.request) != (asked.reason, asked.request) or (
        asked.money is not None and found.nano != _nano(asked.money)
    ):
        raise NotAsAskedError(
            f"there is another correction {asked.reference}, of"
            f" {decimal_text(found.nano)} {found.currency}: choose a new reference"
        )
    return found


def decided(connection: sqlite3.Connection, asked: AskedCorrection, author: str) -> Correction:
    """What to book. Raises NotAsAskedError, with a word on what to do."""
    charged = _charged(connection, asked)
    amounts = _amounts(asked, charged)
    if not any(amounts):
        raise NotAsAskedError("there is nothing left to give back: it was charged nothing, by now")
    if asked.request is not None:
        _refuse_more_than_charged(asked.request, charged, amounts)
    return Correction(
        consumer=Consumer(
            tuple(charged.tenant.split("/")),
            ApplicationName(charged.application),
            KeyId(charged.key),
        ),
        model=ModelName(charged.model),
        currency=charged.currency,
        **amounts._asdict(),
        reference=asked.reference or f"cor_{secrets.token_hex(8)}",
        author=author,
        reason=asked.reason,
        request=asked.request,
    )


def answer(booked: BookedCorrection, *, is_new: bool) -> BookedAnswer:
    """For whoever asked."""
    return BookedAnswer(
        reference=booked.reference,
        is_new=is_new,
        at=cell(booked.at_ms, Sort.MOMENT),
        tenant=booked.tenant,
        application=booked.application,
        key=booked.key,
        model=booked.model,
        currency=booked.currency or None,
        money=decimal_text(booked.nano) if booked.currency else None,
        input_tokens=booked.input_tokens,
        cached_input_tokens=booked.cached_input_tokens,
        output_tokens=booked.output_tokens,
        reasoning_tokens=booked.reasoning_tokens,
        gpu_us=booked.gpu_us,
        author=booked.author,
        reason=booked.reason,
        request=booked.request,
    )


def _charged(connection: sqlite3.Connection, asked: AskedCorrection) -> Correctable:
    if asked.request is not None:
        if any((asked.tenant, asked.model, asked.application, asked.key, asked.currency)):
            raise NotAsAskedError(
                "a request says whose it is: leave out tenant, model, application, key and currency"
            )
        found = request_as_charged(connection, asked.request)
        if found is None:
            raise NotAsAskedError(
                f"the ledger has no request {asked.request}: its id is in the header x-request-id of"
                " its answer, and in the request log"
            )
        return found
    if asked.tenant is None or asked.model is None:
        raise NotAsAskedError("name a request, or a tenant and a model")
    if not asked.has_amounts:
        raise NotAsAskedError("say how much: money, or tokens")
    return _the_one(connection, asked, asked.tenant, asked.model)


def _the_one(
    connection: sqlite3.Connection, asked: AskedCorrection, tenant: str, model: str
) -> Correctable:
    found = accounts_between(
        connection,
        tenant=tenant,
        model=model,
        application=asked.application,
        key=asked.key,
        currency=asked.currency,
    )
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotAsAskedError(
            f"{tenant} has used nothing of {model} that fits: see `evenhand usage --by"
            " tenant,application,key,model`"
        )
    choices = "; ".join(
        f"application {each.application}, key {each.key}, currency {each.currency or 'none'}"
        for each in found[:_CHOICES_MAX]
    )
    raise NotAsAskedError(f"name application, key or currency, because there are: {choices}")


def _amounts(asked: AskedCorrection, charged: Correctable) -> Amounts:
    if not asked.has_amounts:
        return Amounts(*(-amount for amount in _charged_amounts(charged)))
    nano = 0 if asked.money is None else _nano(asked.money)
    if nano and not charged.currency:
        raise NotAsAskedError("nothing there has a price, so there is no money to correct")
    return Amounts(
        input_tokens=asked.input_tokens,
        cached_input_tokens=asked.cached_input_tokens,
        output_tokens=asked.output_tokens,
        nano=nano,
        reasoning_tokens=asked.reasoning_tokens,
        gpu_us=0,
    )


def _charged_amounts(charged: Correctable) -> Amounts:
    return Amounts(*(getattr(charged, name) for name in Amounts._fields))


def _refuse_more_than_charged(request: str, charged: Correctable, amounts: Amounts) -> None:
    if all(had + more >= 0 for had, more in zip(_charged_amounts(charged), amounts, strict=True)):
        return
    raise NotAsAskedError(
        f"{request} was charged {charged.input_tokens} input tokens ({charged.cached_input_tokens} of"
        f" them cached), {charged.output_tokens} output tokens ({charged.reasoning_tokens} of them"
        f" reasoning) and {decimal_text(charged.nano)} {charged.currency}, earlier corrections counted:"
        " no more than that can be given back"
    )


def _nano(money: str) -> int:
    return int(Decimal(money) * NANO)
