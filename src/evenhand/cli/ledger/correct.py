"""`evenhand ledger correct`: give back or charge what a request, or a tenant, was charged wrongly."""

import getpass
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from evenhand.cli.control_line import ask
from evenhand.cli.corrections.asked import AskedCorrection
from evenhand.cli.corrections.deciding import answer, booked_before, decided
from evenhand.cli.state_access import folder_of, problems_told
from evenhand.ledger import Books, CorrectionRefusedError
from evenhand.stores import LedgerFile, StateFolder, StateProblemError
from evenhand.stores.correction_query import correction_of
from evenhand.stores.schema import open_to_read

_WAIT_S = 30.0


_Request = Annotated[
    str | None, typer.Argument(help="A request, by its id; or else --tenant and --model.")
]
_Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands on the statement.")]
_Money = Annotated[
    str | None,
    typer.Option(metavar="AMOUNT", help="Such as -1.50: below 0 is given back, above charged."),
]
_InputTokens = Annotated[int, typer.Option(help="The same in tokens, cached ones among them.")]
_CachedTokens = Annotated[int, typer.Option(help="Of these, the cached ones.")]
_OutputTokens = Annotated[int, typer.Option(help="The same in tokens, reasoning among them.")]
_ReasoningTokens = Annotated[int, typer.Option(help="Of these, the reasoning.")]
_Tenant = Annotated[str | None, typer.Option(metavar="PATH", help="Such as acme/search.")]
_Model = Annotated[str | None, typer.Option(metavar="M", help="Of its use of this model.")]
_Application = Annotated[
    str | None, typer.Option(metavar="A", help="Where the tenant has several.")
]
_Key = Annotated[str | None, typer.Option(metavar="K", help="Where there are several.")]
_Currency = Annotated[str | None, typer.Option(metavar="C", help="Where there were several.")]
_Reference = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Such as a ticket: the same again corrects nothing twice."),
]
_Author = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who decides; left out: who runs this.")
]
_Config = Annotated[Path, typer.Option(metavar="FILE", help="The gateway's configuration.")]


def correct_command(
    request: _Request = None,
    *,
    reason: _Reason,
    money: _Money = None,
    input_tokens: _InputTokens = 0,
    cached_input_tokens: _CachedTokens = 0,
    output_tokens: _OutputTokens = 0,
    reasoning_tokens: _ReasoningTokens = 0,
    tenant: _Tenant = None,
    model: _Model = None,
    application: _Application = None,
    key: _Key = None,
    currency: _Currency = None,
    reference: _Reference = None,
    author: _Author = None,
    config: _Config = Path("evenhand.yaml"),
) -> None:
    """Correct what was charged, by a new entry that says who and why.

    A request without an amount is given back whole. Nothing that was booked
    changes: the correction is in the statement of the period in which it was
    made. Works beside a running gateway, and without one.
    """
    asked = _asked(
        reason=reason,
        reference=reference,
        request=request,
        tenant=tenant,
        model=model,
        application=application,
        key=key,
        currency=currency,
        money=money,
        input_tokens=input_tokens,
        cached_input_tokens=cached_input_tokens,
        output_tokens=output_tokens,
        reasoning_tokens=reasoning_tokens,
    )
    who = author or getpass.getuser()
    with problems_told(config):
        folder = folder_of(config)
        booked = (
            _by_gateway(folder, asked, who) if folder.is_in_use() else _here(folder, asked, who)
        )
    money_text = f"{booked['money']} {booked['currency']}" if booked["currency"] else "no money"
    tokens = f"{booked['input_tokens']} input and {booked['output_tokens']} output tokens"
    was = "Booked" if booked["is_new"] else "Was booked before"
    typer.echo(
        f"{was}: {booked['reference']}, {money_text}, {tokens}, for {booked['tenant']}"
        f" ({booked['application']}, {booked['model']})."
    )


def _asked(**given: Any) -> AskedCorrection:
    try:
        return AskedCorrection.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"][0] == "money":
            raise typer.BadParameter(
                "money: write units of the currency with at most nine decimals, such as -1.50"
            ) from None
        raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}") from None


def _by_gateway(folder: StateFolder, asked: AskedCorrection, author: str) -> dict[str, Any]:
    line = {
        "do": "correct",
        "author": author,
        "correction": asked.model_dump(exclude_defaults=True),
    }
    correction: dict[str, Any] = ask(folder, line, _WAIT_S)["correction"]
    return correction


def _here(folder: StateFolder, asked: AskedCorrection, author: str) -> dict[str, Any]:
    """While no gateway runs: none can start before this has ended."""
    with closing(open_to_read(folder.database)):
        pass  # it is there, and of this version
    folder.lock()
    try:
        with closing(LedgerFile(folder.database)) as file:
            books = Books(file.load())
            with closing(open_to_read(folder.database)) as connection:
                before = booked_before(connection, asked)
                if before is not None:
                    return answer(before, is_new=False).model_dump()
                correction = decided(connection, asked, author)
            try:
                books.correct(correction, time.time_ns() // 1_000_000)
            except CorrectionRefusedError as error:
                raise StateProblemError(str(error)) from None
            file.commit(books.take_batch())
        with closing(open_to_read(folder.database)) as connection:
            booked = correction_of(connection, correction.reference)
            assert booked is not None
            return answer(booked, is_new=True).model_dump()
    finally:
        folder.unlock()
