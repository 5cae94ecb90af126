"""The books in memory: they decide, the store keeps what they decided. Derivation: ledger.md.

Each call moves amounts between two accounts and journals what it did; `take_batch` hands over the
journal as one batch. The host owes each hold exactly one of `settle`, `void` or `expire`; the second is
refused, with nothing done.
"""

from collections.abc import Iterable, Iterator

from evenhand.ledger.account import Account, Consumer
from evenhand.ledger.accounts import Accounts
from evenhand.ledger.batch import Batch
from evenhand.ledger.budget import Budget, OverBudget, Spent, over
from evenhand.ledger.correction import Correction, CorrectionRefusedError, CorrectionRow
from evenhand.ledger.hold import Bound, Hold, Mark
from evenhand.ledger.line import Line
from evenhand.ledger.price import Price
from evenhand.ledger.price_list import PriceList
from evenhand.ledger.snapshot import OpenHold, Snapshot
from evenhand.ledger.transfer import (
    STEPS,
    STEPS_PER_REQUEST,
    Kind,
    Transfer,
    as_transfer,
)
from evenhand.model import EngineName, KeyId, ModelName, Outcome, RequestId, Usage


class AlreadyResolvedError(Exception):
    """The hold was settled, voided or expired before. Nothing was done."""


class Books:
    """Accounts, open holds and the journal. Open holds are bounded by the host's open requests."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        snapshot = snapshot or Snapshot()
        self._accounts = Accounts(snapshot.accounts)
        self._prices = PriceList(snapshot.prices)
        # Bounded by the consumers times the models times the prices that they ever had.
        self._lines: dict[tuple[Consumer, ModelName, Price], Line] = {}
        self._open: dict[int, Hold] = {}
        self._numbers = snapshot.numbers
        self._seq = snapshot.seq
        self._transfers: list[Transfer] = []
        self._marks: dict[int, Mark] = {}
        self._unmarked: list[int] = []
        self._corrections: list[CorrectionRow] = []
        # Of this process; bounded by what people correct by hand.
        self._references: set[str] = set()
        self._left_open = [self._reopened(left) for left in snapshot.open_holds]

    # Requests come and go.

    def line(self, consumer: Consumer, model: ModelName, price: Price) -> Line:
        """Where that consumer's requests to that model are booked at that price. Keep it."""
        key = (consumer, model, price)
        line = self._lines.get(key)
        if line is None:
            number = self._prices.number(model, price)
            line = self._lines[key] = self._accounts.line(consumer, model, price, number)
        return line

    def hold(
        self,
        request: RequestId,
        line: Line,
        bound: Bound,
        *,
        at_ms: int,
        budget: Budget | None = None,
    ) -> Hold | OverBudget:
        """Reserve the most that a request may use, unless that exceeds its key's budget."""
        input_tokens, output_tokens = bound
        nano = line.price.bound(input_tokens, output_tokens)
        if budget is not None:
            spent = self._spent_on(line)
            exceeded = over(budget, spent, nano=nano, tokens=input_tokens + output_tokens)
            if exceeded is not None:
                return exceeded
        self._numbers = number = self._numbers + 1
        hold = self._open[number] = Hold(number, request, line, bound, nano)
        if not line.is_moved:
            self._accounts.moved(line)
        line.held_input += input_tokens
        line.held_output += output_tokens
        line.held_nano += nano
        self._transfers.append(
            as_transfer(
                (
                    number * STEPS_PER_REQUEST,
                    "hold",
                    at_ms,
                    line.debit.number,
                    line.credit.number,
                    input_tokens,
                    0,
                    output_tokens,
                    nano,
                    request,
                    line.price_number,
                    *_NO_END,
                )
            )
        )
        return hold

    def mark(self, hold: Hold, usage: Usage) -> None:
        """Note what an open request has used so far. A mark after the end does nothing: the end knows
        better."""
        if hold.is_resolved:
            return
        hold.is_marked = True
        self._marks[hold.number] = Mark(
            hold.number,
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.output_tokens,
            int(usage.is_estimate),
        )

    def settle(
        self,
        hold: Hold,
        usage: Usage,
        outcome: Outcome,
        at_ms: int,
        *,
        engine: EngineName | None = None,
        units: int = 0,
    ) -> None:
        """Post what was used: within the hold as its settlement, beyond it as a second transfer. Both
        together cost what the usage costs, rounded once. Raises AlreadyResolvedError."""
        self._resolve(hold)
        price = hold.line.price
        within = _within(usage, hold.bound)
        nano = price.of(within)
        assert nano <= hold.nano, "a hold bounds its settlement"
        end = (outcome.value, engine, units, int(usage.is_estimate))
        self._post(hold, _SETTLE, at_ms, (within, nano), end)
        if within is not usage:
            beyond = (_beyond(usage, within), price.of(usage) - nano)
            self._post(hold, _EXCESS, at_ms, beyond, _NO_END)

    def void(self, hold: Hold, outcome: Outcome, at_ms: int) -> None:
        """Release all of it: no work is charged. Raises AlreadyResolvedError."""
        self._resolve(hold)
        self._post(hold, _VOID, at_ms, _NOTHING, (outcome.value, None, 0, 0))

    def expire(self, hold: Hold, at_ms: int) -> None:
        """Release all of it, because nobody is left who could say more. Raises AlreadyResolvedError."""
        self._resolve(hold)
        end = (Outcome.GATEWAY_DIED.value, None, 0, 0)
        self._post(hold, _EXPIRE, at_ms, _NOTHING, end)

    def correct(self, correction: Correction, at_ms: int) -> int:
        """Post what somebody has decided; the id of its transfer. Its reference must be new to the
        store. Raises CorrectionRefusedError, with nothing done."""
        if correction.is_empty:
            raise CorrectionRefusedError("all of its amounts are 0: say what is to be corrected")
        if correction.reference in self._references:
            raise CorrectionRefusedError(f"there is a correction {correction.reference!r} already")
        debit, credit = self._accounts.correct(correction)
        self._references.add(correction.reference)
        self._numbers += 1
        id_ = self._numbers * STEPS_PER_REQUEST + STEPS[Kind.CORRECT]
        self._transfers.append(
            Transfer(
                id=id_,
                kind=Kind.CORRECT.value,
                at_ms=at_ms,
                debit=debit.number,
                credit=credit.number,
                input_tokens=correction.input_tokens,
                cached_input_tokens=correction.cached_input_tokens,
                output_tokens=correction.output_tokens,
                nano=correction.nano,
            )
        )
        why = (correction.reference, correction.author, correction.reason, correction.request)
        self._corrections.append(CorrectionRow(id_, *why))
        return id_

    # Questions.

    def spent(self, key: KeyId, currency: str) -> Spent:
        """What a key has posted and holds, over all its accounts of that currency."""
        return self._accounts.spent(key, currency)

    @property
    def open_holds(self) -> int:
        """Holds that are not resolved."""
        return len(self._open)

    def accounts(self) -> Iterable[Account]:
        """All accounts."""
        return self._accounts.all()

    # The store's side.

    @property
    def has_news(self) -> bool:
        """Whether `take_batch` would give one."""
        return bool(self._transfers or self._marks)

    @property
    def news(self) -> int:
        """Transfers and marks that no batch has taken yet."""
        return len(self._transfers) + len(self._marks)

    def take_batch(self) -> Batch:
        """Everything journalled since the last one. The store must get each batch once, in order; one
        that may have failed must be offered again before the next."""
        assert self.has_news, "nothing was journalled"
        self._seq += 1
        batch = Batch(
            seq=self._seq,
            transfers=tuple(self._transfers),
            marks=tuple(self._marks.values()),
            unmarked=tuple(self._unmarked),
            accounts=self._accounts.take_changed(),
            prices=self._prices.take_new(),
            open_from=next(iter(self._open), self._numbers + 1),
            corrections=tuple(self._corrections),
        )
        self._transfers, self._marks, self._unmarked, self._corrections = [], {}, [], []
        return batch

    def take_left_open(self) -> Iterator[tuple[Hold, Mark | None]]:
        """The holds that the snapshot had open, once."""
        left, self._left_open = self._left_open, []
        yield from left

    # Inside.

    def _reopened(self, left: OpenHold) -> tuple[Hold, Mark | None]:
        transfer, mark = left
        number = transfer.id // STEPS_PER_REQUEST
        bound = Bound(transfer.input_tokens, transfer.output_tokens)
        hold = Hold(
            number,
            RequestId(transfer.request or ""),
            self._line_of(transfer),
            bound,
            transfer.nano,
            is_marked=mark is not None,
        )
        # Its accounts carry it already: the snapshot's balances have it in.
        self._open[number] = hold
        return hold, mark

    def _line_of(self, transfer: Transfer) -> Line:
        consumer = self._accounts.numbered(transfer.debit).owner
        model = self._accounts.numbered(transfer.credit).owner
        assert isinstance(consumer, Consumer)
        assert not isinstance(model, Consumer)
        assert transfer.price is not None
        return self.line(consumer, model, self._prices.numbered(transfer.price))

    def _spent_on(self, line: Line) -> Spent:
        owner = line.debit.owner
        assert isinstance(owner, Consumer)
        return self._accounts.spent(owner.key, line.price.currency)

    def _resolve(self, hold: Hold) -> None:
        if hold.is_resolved:
            raise AlreadyResolvedError(hold.request)
        hold.is_resolved = True
        number, line = hold.number, hold.line
        del self._open[number]
        if not line.is_moved:
            self._accounts.moved(line)
        input_tokens, output_tokens = hold.bound
        line.held_input -= input_tokens
        line.held_output -= output_tokens
        line.held_nano -= hold.nano
        if hold.is_marked:
            self._marks.pop(number, None)
            self._unmarked.append(number)

    def _post(self, hold: Hold, step: "_Step", at_ms: int, amount: "_Amount", end: "_End") -> None:
        """Journal what resolves a hold, or exceeds it, and move it. After `_resolve`."""
        line, (tokens, nano), (step_number, kind) = hold.line, amount, step
        line.posted_input += tokens.input_tokens
        line.posted_cached += tokens.cached_input_tokens
        line.posted_output += tokens.output_tokens
        line.posted_nano += nano
        self._transfers.append(
            as_transfer(
                (
                    hold.number * STEPS_PER_REQUEST + step_number,
                    kind,
                    at_ms,
                    line.debit.number,
                    line.credit.number,
                    tokens.input_tokens,
                    tokens.cached_input_tokens,
                    tokens.output_tokens,
                    nano,
                    None,
                    None,
                    *end,
                )
            )
        )


_Step = tuple[int, str]


def _step(kind: Kind) -> _Step:
    return STEPS[kind], kind.value


_SETTLE, _VOID, _EXPIRE, _EXCESS = map(_step, (Kind.SETTLE, Kind.VOID, Kind.EXPIRE, Kind.EXCESS))

_Amount = tuple[Usage, int]
"""Tokens and nano-units."""

_End = tuple[str | None, str | None, int | None, int | None]
"""Outcome, engine, units, and whether the usage is an estimate: the last columns of a transfer."""

_NOTHING: _Amount = (Usage(0, 0), 0)
_NO_END: _End = (None, None, None, None)


def _within(usage: Usage, bound: Bound) -> Usage:
    """The part of the usage that was held; the usage itself if all of it was."""
    if usage.input_tokens <= bound.input_tokens and usage.output_tokens <= bound.output_tokens:
        return usage
    input_tokens = min(usage.input_tokens, bound.input_tokens)
    return Usage(
        input_tokens,
        min(usage.output_tokens, bound.output_tokens),
        min(usage.cached_input_tokens, input_tokens),
        is_estimate=usage.is_estimate,
    )


def _beyond(usage: Usage, within: Usage) -> Usage:
    return Usage(
        usage.input_tokens - within.input_tokens,
        usage.output_tokens - within.output_tokens,
        usage.cached_input_tokens - within.cached_input_tokens,
        is_estimate=usage.is_estimate,
    )
