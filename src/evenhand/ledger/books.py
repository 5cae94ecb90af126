"""The books in memory: they decide, the store keeps what they decided. Derivation: ledger.md.

Each call moves amounts between two accounts and journals what it did; `take_batch` hands over the
journal as one batch. The host owes each hold exactly one of `settle`, `void` or `expire`; the second is
refused, with nothing done.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from evenhand.ledger.account import Account, Consumer
from evenhand.ledger.accounts import Accounts
from evenhand.ledger.batch import Batch
from evenhand.ledger.budget import Budget, BudgetRule, OtherCurrency, OverBudget, Spent, over
from evenhand.ledger.correction import Correction, CorrectionRefusedError, CorrectionRow
from evenhand.ledger.day_sum import DAY_MS
from evenhand.ledger.hold import Bound, Hold, Mark
from evenhand.ledger.line import Line
from evenhand.ledger.period import Period
from evenhand.ledger.price import Price
from evenhand.ledger.price_list import PriceList
from evenhand.ledger.snapshot import OpenHold, Snapshot
from evenhand.ledger.standing import BudgetStanding
from evenhand.ledger.transfer import (
    STEPS,
    STEPS_PER_REQUEST,
    Kind,
    Transfer,
    as_transfer,
)
from evenhand.ledger.watches import Watches, judged
from evenhand.model import (
    NO_USAGE,
    EngineName,
    KeyId,
    ModelName,
    Outcome,
    RequestId,
    TenantPath,
    Usage,
)


class AlreadyResolvedError(Exception):
    """The hold was settled, voided or expired before. Nothing was done."""


class Books:
    """Accounts, open holds and the journal. Open holds are bounded by the host's open requests."""

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        snapshot = snapshot or Snapshot()
        self._accounts = Accounts(snapshot.accounts, snapshot.days)
        self._prices = PriceList(snapshot.prices)
        # Bounded by the consumers times the models times the prices that they ever had.
        self._lines: dict[tuple[Consumer, ModelName, Price], Line] = {}
        self._open: dict[int, Hold] = {}
        self._numbers = snapshot.numbers
        self._latest_ms = snapshot.held_ms
        self._watches = Watches()
        self.has_rules = False
        """Whether there is any budget of `budget_by`."""
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
            line.watches = self._watches.over(consumer.tenant, consumer.key)
        return line

    def hold(
        self,
        request: RequestId,
        line: Line,
        bound: Bound,
        *,
        at_ms: int,
        budget: Budget | None = None,
    ) -> Hold | OverBudget | OtherCurrency:
        """Reserve the most that a request may use, unless that exceeds `budget`, which is its key's for
        life, or a hard one of `budget_by`. A clock that was set back stands still here, until it has
        passed the last hold: no period comes twice."""
        input_tokens, output_tokens = bound
        tokens, price = input_tokens + output_tokens, line.price
        nano = price.bound(input_tokens, output_tokens)
        at_ms = max(at_ms, self._latest_ms)
        self._latest_ms = at_ms
        day = at_ms // DAY_MS
        watches, is_over_soft = line.watches, False
        if watches or budget is not None:
            verdict = self._judged(line, budget, day, nano=nano, tokens=tokens)
            if not isinstance(verdict, bool):
                return verdict
            is_over_soft = verdict
        if line.today.day != day:
            line.today = self._accounts.day(line.debit.number, day)
        self._numbers = number = self._numbers + 1
        hold = self._open[number] = Hold(number, request, line, bound, nano, line.today)
        if watches:
            hold.is_over_soft = is_over_soft
            hold.tallies = tuple([watch.on(day) for watch in watches])
            for tally in hold.tallies:
                tally.hold(nano, tokens, price.currency)
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
                    0,
                    0,
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
            usage.reasoning_tokens,
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

    def gpu_time(self, hold: Hold, gpu_us: int, at_ms: int) -> None:
        """Post the microseconds of GPUs that a settled request has taken, at the price of its hold. At
        most once: after `settle`, when they are known. They were not held, so a budget may be exceeded
        by them."""
        assert hold.is_resolved
        nano = hold.line.price.of_gpu(gpu_us)
        self._post(hold, _GPU_TIME, at_ms, (NO_USAGE, nano), _NO_END, gpu_us=gpu_us)

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
        """Post what somebody has decided; the id of its transfer. It counts against budgets in the
        period in which it is made. Its reference must be new to the store. Raises
        CorrectionRefusedError, with nothing done."""
        if correction.is_empty:
            raise CorrectionRefusedError("all of its amounts are 0: say what is to be corrected")
        if correction.reference in self._references:
            raise CorrectionRefusedError(f"there is a correction {correction.reference!r} already")
        debit, credit = self._accounts.correct(correction)
        at_ms = self._latest_ms = max(at_ms, self._latest_ms)
        self._count_correction(debit, correction, at_ms // DAY_MS)
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
                reasoning_tokens=correction.reasoning_tokens,
                gpu_us=correction.gpu_us,
            )
        )
        why = (correction.reference, correction.author, correction.reason, correction.request)
        self._corrections.append(CorrectionRow(id_, *why))
        return id_

    # Budgets.

    def budget_by(self, rules: Iterable[BudgetRule], at_ms: int) -> None:
        """From here on these hold, and no other: each counts what its present period has already come
        to, also what is open. Goes once through all accounts and open holds."""
        self._latest_ms = max(at_ms, self._latest_ms)
        day = self._latest_ms // DAY_MS
        self._watches = watches = Watches(rules, day)
        self.has_rules = bool(watches.all)
        for account in self._accounts.all() if watches.all else ():
            owner = account.owner
            if isinstance(owner, Consumer):
                for watch in watches.over(owner.tenant, owner.key):
                    nano, tokens = self._accounts.posted_in(account, watch.tally.span)
                    watch.tally.post(nano, tokens, account.currency)
        for line in self._lines.values():
            owner = line.debit.owner
            assert isinstance(owner, Consumer)
            line.watches = watches.over(owner.tenant, owner.key)
        for hold in self._open.values():
            tallies = (watch.tally for watch in hold.line.watches)
            hold.tallies = tuple([t for t in tallies if hold.day.day in range(*t.span)])
            for tally in hold.tallies:
                tally.hold(hold.nano, sum(hold.bound), hold.line.price.currency)

    def is_bounded(self, tenant: TenantPath, key: KeyId) -> bool:
        """Whether a hard budget of `budget_by` is over that tenant's key."""
        return self._watches.is_hard(tenant, key)

    def standings(self, at_ms: int) -> tuple[BudgetStanding, ...]:
        """How each budget of `budget_by` stands, in their order."""
        day = max(at_ms, self._latest_ms) // DAY_MS
        tallies = ((watch.rule, watch.as_of(day)) for watch in self._watches.all)
        return tuple(BudgetStanding(rule, replace(t.spent), t.resets_ms) for rule, t in tallies)

    def standing_for_life(self, key: KeyId, budget: Budget) -> BudgetStanding:
        """How a budget stands that is its key's for life."""
        rule = BudgetRule(key=key, period=Period.TOTAL, limits=budget)
        return BudgetStanding(rule, self.spent(key, budget.currency), None)

    # Questions.

    def spent(self, key: KeyId, currency: str) -> Spent:
        """What a key has posted and holds in all: tokens of every kind, money of that currency."""
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
            days=self._accounts.take_moved_days(),
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
            self._accounts.day(transfer.debit, transfer.at_ms // DAY_MS),
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

    def _judged(
        self, line: Line, budget: Budget | None, day: int, *, nano: int, tokens: int
    ) -> OverBudget | OtherCurrency | bool:
        """What stands against it; else whether it exceeds a soft budget."""
        owner, currency = line.debit.owner, line.price.currency
        assert isinstance(owner, Consumer)
        if budget is not None:
            if budget.nano_max is not None and currency != budget.currency:
                return OtherCurrency(currency, budget.currency)
            spent = self._accounts.spent(owner.key, currency)
            exceeded = over(budget, spent, nano=nano, tokens=tokens)
            if exceeded is not None:
                return exceeded
        return judged(line.watches, day, nano=nano, tokens=tokens, currency=currency)

    def _count_correction(self, account: Account, correction: Correction, day: int) -> None:
        """In the periods in which it is made."""
        sum_of_day = self._accounts.day(account.number, day)
        if not sum_of_day.is_moved:
            self._accounts.day_moved(sum_of_day)
        nano, tokens = correction.nano, correction.input_tokens + correction.output_tokens
        sum_of_day.posted_nano += nano
        sum_of_day.posted_tokens += tokens
        consumer = correction.consumer
        for watch in self._watches.over(consumer.tenant, consumer.key):
            watch.on(day).post(nano, tokens, correction.currency)

    def _resolve(self, hold: Hold) -> None:
        if hold.is_resolved:
            raise AlreadyResolvedError(hold.request)
        hold.is_resolved = True
        number, line = hold.number, hold.line
        del self._open[number]
        input_tokens, output_tokens = hold.bound
        line.held_input -= input_tokens
        line.held_output -= output_tokens
        line.held_nano -= hold.nano
        for tally in hold.tallies:
            tally.hold(-hold.nano, -input_tokens - output_tokens, line.price.currency)
        if hold.is_marked:
            self._marks.pop(number, None)
            self._unmarked.append(number)

    def _post(
        self,
        hold: Hold,
        step: "_Step",
        at_ms: int,
        amount: "_Amount",
        end: "_End",
        *,
        gpu_us: int = 0,
    ) -> None:
        """Journal what resolves a hold, or exceeds it, and move it. After `_resolve`."""
        line, (tokens, nano), (step_number, kind) = hold.line, amount, step
        if not line.is_moved:
            self._accounts.moved(line)
        if amount is not _NOTHING:
            day = hold.day
            if not day.is_moved:
                self._accounts.day_moved(day)
            day.posted_tokens += tokens.input_tokens + tokens.output_tokens
            day.posted_nano += nano
            line.posted_input += tokens.input_tokens
            line.posted_cached += tokens.cached_input_tokens
            line.posted_output += tokens.output_tokens
            line.posted_nano += nano
            line.posted_reasoning += tokens.reasoning_tokens
            if gpu_us:
                line.posted_gpu_us += gpu_us
            for tally in hold.tallies:
                used = tokens.input_tokens + tokens.output_tokens
                tally.post(nano, used, line.price.currency)
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
                    tokens.reasoning_tokens,
                    gpu_us,
                )
            )
        )


_Step = tuple[int, str]


def _step(kind: Kind) -> _Step:
    return STEPS[kind], kind.value


_SETTLE, _VOID, _EXPIRE = _step(Kind.SETTLE), _step(Kind.VOID), _step(Kind.EXPIRE)
_EXCESS, _GPU_TIME = _step(Kind.EXCESS), _step(Kind.GPU_TIME)

_Amount = tuple[Usage, int]
"""Tokens and nano-units."""

_End = tuple[str | None, str | None, int | None, int | None]
"""Outcome, engine, units, and whether the usage is an estimate: the last columns of a transfer."""

_NOTHING: _Amount = (NO_USAGE, 0)
_NO_END: _End = (None, None, None, None)


def _within(usage: Usage, bound: Bound) -> Usage:
    """The part of the usage that was held; the usage itself if all of it was."""
    if usage.input_tokens <= bound.input_tokens and usage.output_tokens <= bound.output_tokens:
        return usage
    input_tokens = min(usage.input_tokens, bound.input_tokens)
    output_tokens = min(usage.output_tokens, bound.output_tokens)
    return Usage(
        input_tokens,
        output_tokens,
        min(usage.cached_input_tokens, input_tokens),
        is_estimate=usage.is_estimate,
        reasoning_tokens=min(usage.reasoning_tokens, output_tokens),
    )


def _beyond(usage: Usage, within: Usage) -> Usage:
    return Usage(
        usage.input_tokens - within.input_tokens,
        usage.output_tokens - within.output_tokens,
        usage.cached_input_tokens - within.cached_input_tokens,
        is_estimate=usage.is_estimate,
        reasoning_tokens=usage.reasoning_tokens - within.reasoning_tokens,
    )
