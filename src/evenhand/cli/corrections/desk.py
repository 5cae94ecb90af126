"""Corrections in a gateway that runs: decided from what is on disk, booked by its books."""

import asyncio
import json
from typing import Any

from pydantic import ValidationError

from evenhand.cli.corrections.asked import AskedCorrection, BookedAnswer
from evenhand.cli.corrections.deciding import answer, booked_before, decided
from evenhand.cli.live.keeping import Keeping
from evenhand.cli.state_reader import StateReader
from evenhand.gateway.bookkeeping import Bookkeeper
from evenhand.gateway.control import Command
from evenhand.ledger import Correction, CorrectionRefusedError
from evenhand.ledger.money import decimal_text
from evenhand.stores import StateProblemError
from evenhand.stores.audit_table import AuditRow
from evenhand.stores.correction_query import BookedCorrection, correction_of
from evenhand.stores.problem import NotAsAskedError
from evenhand.telemetry import RequestLog


class CorrectionDesk:
    """One correction at a time: each is on disk before the next is decided, so that no two can give back
    the same."""

    def __init__(
        self, keeper: Bookkeeper, reader: StateReader, keeping: Keeping, log: RequestLog
    ) -> None:
        self._keeper = keeper
        self._keeping = keeping
        self._reader = reader
        self._log = log
        self._turn = asyncio.Lock()

    @property
    def commands(self) -> dict[str, Command]:
        """For the control socket."""
        return {"correct": self._command}

    async def correct(self, asked: AskedCorrection, author: str) -> BookedAnswer:
        """Book it; it is on disk when this returns. Raises StateProblemError, with a word on what to
        do."""
        async with self._turn:
            before = await self._reader.read(lambda connection: booked_before(connection, asked))
            if before is not None:
                return answer(before, is_new=False)
            correction = await self._reader.read(
                lambda connection: decided(connection, asked, author)
            )
            # Whoever asked may leave; what is in the books goes to the disk all the same.
            booked = await asyncio.shield(asyncio.ensure_future(self._book(correction)))
        return answer(booked, is_new=True)

    async def _book(self, correction: Correction) -> BookedCorrection:
        keeper = self._keeper
        try:
            keeper.books.correct(correction, keeper.wall_ms())
        except CorrectionRefusedError as error:
            raise NotAsAskedError(str(error)) from None
        keeper.store.journalled()
        self._log.event(
            "corrected",
            reference=correction.reference,
            who=correction.author,
            tenant="/".join(correction.consumer.tenant),
            model=correction.model,
            nano=correction.nano,
            currency=correction.currency,
        )
        is_recorded = asyncio.get_running_loop().create_future()
        keeper.store.recorded(is_recorded.set_result)
        if not await is_recorded:
            raise StateProblemError(
                f"the ledger cannot be written at the moment: {correction.reference} is booked once it"
                " can; look for it there before you repeat it"
            )
        await self._keeping.note([_audit_row(correction, keeper.wall_ms())])
        booked = await self._reader.read(lambda c: correction_of(c, correction.reference))
        assert booked is not None, "it is on disk"
        return booked

    async def _command(self, line: dict[str, Any]) -> dict[str, Any]:
        try:
            asked = AskedCorrection.model_validate(line.get("correction"))
        except ValidationError as error:
            raise StateProblemError(str(error)) from None
        booked = await self.correct(asked, str(line.get("author"))[:100])
        return {"correction": booked.model_dump()}


def _audit_row(correction: Correction, at_ms: int) -> AuditRow:
    after = {
        "tenant": "/".join(correction.consumer.tenant),
        "model": correction.model,
        "money": decimal_text(correction.nano),
        "currency": correction.currency,
        "reason": correction.reason,
    }
    return AuditRow(
        at_ms=at_ms,
        who=correction.author,
        what="correct",
        place=f"corrections[{correction.reference}]",
        after=json.dumps(after),
    )
