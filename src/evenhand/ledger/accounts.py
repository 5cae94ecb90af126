"""All accounts with their balances, and which of them have changed since the last batch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from evenhand.ledger.account import Account, Consumer, Side
from evenhand.ledger.batch import AccountRow, DayRow
from evenhand.ledger.budget import Spent
from evenhand.ledger.correction import Correction, CorrectionRefusedError, refuse_too_much
from evenhand.ledger.day_sum import DAYS_KEPT, DaySum
from evenhand.ledger.line import Line
from evenhand.ledger.period import ALL_TIME, Span
from evenhand.ledger.price import Price
from evenhand.model import ApplicationName, KeyId, ModelName

_Owner = Consumer | ModelName
_NO_DAYS: Mapping[int, DaySum] = {}


class Accounts:
    """Bounded by keys (of all time) plus models, times currencies."""

    def __init__(self, rows: Iterable[AccountRow], days: Iterable[DayRow] = ()) -> None:
        self._by_owner: dict[tuple[_Owner, str], Account] = {}
        self._by_number: dict[int, Account] = {}
        self._next_number = 1
        self._changed: dict[int, Account] = {}
        self._of_key: dict[KeyId, list[Account]] = defaultdict(list)
        # Those that something has moved on; bounded by the lines.
        self._moved: list[Line] = []
        for row in rows:
            self._add(Account(row.number, _owner(row), row.currency, *row[7:]))
        # Of each consumer's account the days on which it held something; bounded by DAYS_KEPT each.
        self._days: dict[int, dict[int, DaySum]] = {}
        # Those that something was posted to since the last batch; bounded by the lines.
        self._moved_days: list[DaySum] = []
        for day, number, tokens, nano in days:
            self._days.setdefault(number, {})[day] = DaySum(number, day, tokens, nano)

    def all(self) -> Iterable[Account]:
        """In the order of their numbers."""
        self._bring_up_to_date()
        return self._by_number.values()

    def numbered(self, number: int) -> Account:
        """The account of that number."""
        return self._by_number[number]

    def line(self, consumer: Consumer, model: ModelName, price: Price, price_number: int) -> Line:
        """A new line between the two, whose accounts are opened if need be."""
        debit = self._of(consumer, price.currency)
        credit = self._of(model, price.currency)
        return Line(debit, credit, price, price_number, today=DaySum(debit.number, -1))

    def day(self, number: int, day: int) -> DaySum:
        """That account's sum of that day."""
        days = self._days.setdefault(number, {})
        found = days.get(day)
        if found is None:
            for old in [other for other in days if other <= day - DAYS_KEPT]:
                del days[old]
            found = days[day] = DaySum(number, day)
        return found

    def day_moved(self, day: DaySum) -> None:
        """Something is posted to it for the first time since the last batch."""
        day.is_moved = True
        self._moved_days.append(day)

    def take_moved_days(self) -> tuple[DayRow, ...]:
        """Those sums that have changed since the last call, as they stand now."""
        moved, self._moved_days = self._moved_days, []
        for day in moved:
            day.is_moved = False
        return tuple(
            [DayRow(day.day, day.account, day.posted_tokens, day.posted_nano) for day in moved]
        )

    def correct(self, correction: Correction) -> tuple[Account, Account]:
        """Move it on the accounts of the two, which must be there, and say which they are. Raises
        CorrectionRefusedError, with nothing done."""
        self._bring_up_to_date()
        currency = correction.currency
        debit = self._by_owner.get((correction.consumer, currency))
        credit = self._by_owner.get((correction.model, currency))
        if debit is None or credit is None:
            raise CorrectionRefusedError("nothing was ever booked there: look at `evenhand usage`")
        for account in (debit, credit):  # each has what the other had with others, too
            refuse_too_much(account, correction)
        for account in (debit, credit):
            account.posted_input += correction.input_tokens
            account.posted_cached += correction.cached_input_tokens
            account.posted_output += correction.output_tokens
            account.posted_nano += correction.nano
            account.posted_reasoning += correction.reasoning_tokens
            account.posted_gpu_us += correction.gpu_us
            self._changed[account.number] = account
        return debit, credit

    def moved(self, line: Line) -> None:
        """Something moves on a line for the first time since its accounts were up to date."""
        line.is_moved = True
        self._moved.append(line)

    def spent(self, key: KeyId, currency: str) -> Spent:
        """What a key has posted and holds: tokens in all, money in that currency."""
        self._bring_up_to_date()
        spent = Spent()
        for account in self._of_key.get(key, ()):
            spent.posted_tokens += account.posted_input + account.posted_output
            spent.held_tokens += account.held_input + account.held_output
            if account.currency == currency:
                spent.posted_nano += account.posted_nano
                spent.held_nano += account.held_nano
        return spent

    def posted_in(self, account: Account, span: Span) -> tuple[int, int]:
        """Nano-units and tokens that an account has posted for what was held in that span: all time, or
        one of the last days, weeks and months."""
        self._bring_up_to_date()
        if span == ALL_TIME:
            return account.posted_nano, account.posted_input + account.posted_output
        nano = tokens = 0
        first, end = span
        for day in self._days.get(account.number, _NO_DAYS).values():
            if first <= day.day < end:
                nano += day.posted_nano
                tokens += day.posted_tokens
        return nano, tokens

    def take_changed(self) -> tuple[AccountRow, ...]:
        """The accounts that anything moved on since the last call, as they stand now."""
        self._bring_up_to_date()
        changed, self._changed = self._changed, {}
        return tuple([_row(account) for account in changed.values()])

    def _bring_up_to_date(self) -> None:
        for line in self._moved:
            line.bring_accounts_up_to_date()
            self._changed[line.debit.number] = line.debit
            self._changed[line.credit.number] = line.credit
        self._moved.clear()

    def _of(self, owner: _Owner, currency: str) -> Account:
        account = self._by_owner.get((owner, currency))
        if account is None:
            account = self._add(Account(self._next_number, owner, currency))
        return account

    def _add(self, account: Account) -> Account:
        # Not by counting: an account that was opened and never moved is not in the store.
        self._next_number = max(self._next_number, account.number + 1)
        self._by_owner[account.owner, account.currency] = account
        self._by_number[account.number] = account
        if isinstance(account.owner, Consumer):
            self._of_key[account.owner.key].append(account)
        return account


def _owner(row: AccountRow) -> _Owner:
    if row.side == Side.MODEL:
        return ModelName(row.model)
    tenant = tuple(row.tenant.split("/"))
    return Consumer(tenant, ApplicationName(row.application), KeyId(row.key))


def _row(account: Account) -> AccountRow:
    owner = account.owner
    consumer = owner if isinstance(owner, Consumer) else None
    return AccountRow(
        account.number,
        account.side.value,
        "/".join(consumer.tenant) if consumer else "",
        consumer.application if consumer else "",
        consumer.key if consumer else "",
        "" if isinstance(owner, Consumer) else owner,
        account.currency,
        account.posted_input,
        account.posted_cached,
        account.posted_output,
        account.posted_nano,
        account.held_input,
        account.held_output,
        account.held_nano,
        account.posted_reasoning,
        account.posted_gpu_us,
    )
