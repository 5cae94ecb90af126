"""`/api/v1/corrections`: give back or charge what somebody was charged wrongly."""

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.cli.api.finance_reach import NO_LEDGER, told
from evenhand.cli.api.reading import STRICT, body_of, query_of
from evenhand.cli.corrections.asked import AskedCorrection, BookedAnswer
from evenhand.cli.finance import Finance
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import error_answer, json_answer
from evenhand.model import Outcome


class NothingAsked(BaseModel):
    """The body says it all."""

    model_config = STRICT


def corrections_pages(finance: Finance | None) -> list[Page]:
    """The one. None: there is no ledger."""

    async def correct(request: Request, caller: Caller) -> Response:
        query_of(request, NothingAsked)
        asked = await body_of(request, AskedCorrection)
        if finance is None:
            return error_answer(Outcome.NOT_FOUND, NO_LEDGER)
        booked = await finance.corrections.correct(asked, caller.name)
        return json_answer(booked.model_dump())

    return [
        Page(
            path="/api/v1/corrections",
            method="POST",
            role=Role.OWNER,
            answer=told(correct),
            summary="Book a correction: a new entry, on disk when this answers.",
            query=NothingAsked,
            body=AskedCorrection,
            result=BookedAnswer,
        )
    ]
