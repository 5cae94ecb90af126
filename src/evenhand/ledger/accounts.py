"""All accounts with their balances, and which of them have changed since the last batch."""

from collections.abc import Iterable

from evenhand.ledger.account import Account, Consumer, Side
from evenhand.ledger.batch import AccountRow
from evenhand.ledger.budget import Spent
from evenhand.ledger.hold import Bound
from evenhand.ledger.line import Line
from evenhand.model import ApplicationName, KeyId, ModelName, Usage

_Owner = Consumer | ModelName


class Accounts:
    """Bounded by keys (of all time) plus models, times currencies."""

    def __init__(self, rows: Iterable[AccountRow]) -> None:
        self._by_owner: dict[tuple[_Owner, str], Account] = {}
        self._by_number: dict[int, Account] = {}
        self._next_number = 1
        self._spent: dict[tuple[KeyId, str], Spent] = {}
        self._changed: dict[int, Account] = {}
        # Those that something has moved on; bounded by the lines.
        self._lines: list[Line] = []
        for row in rows:
            account = self._add(Account(row.number, _owner(row), row.currency, *row[7:]))
            if isinstance(account.owner, Consumer):
                spent = self.spent(account.owner.key, account.currency)
                spent.posted_nano += account.posted_nano
                spent.posted_tokens += account.posted_input + account.posted_output
                spent.held_nano += account.held_nano
                spent.held_tokens += account.held_input + account.held_output

    def all(self) -> Iterable[Account]:
        """In the order of their numbers."""
        self._bring_up_to_date()
        return self._by_number.values()

    def numbered(self, number: int) -> Account:
        """The account of that number."""
        return self._by_number[number]

    def pair(self, consumer: Consumer, model: ModelName, currency: str) -> tuple[Account, Account]:
        """The two accounts between which a request moves amounts, opened if need be."""
        return self._of(consumer, currency), self._of(model, currency)

    def spent(self, key: KeyId, currency: str) -> Spent:
        """What a key has posted and holds in that currency."""
        spent = self._spent.get((key, currency))
        if spent is None:
            spent = self._spent[key, currency] = Spent()
        return spent

    def held(self, line: Line, bound: Bound, nano: int) -> None:
        """Add a hold."""
        line.held_input += bound.input_tokens
        line.held_output += bound.output_tokens
        line.held_nano += nano
        spent = line.spent
        spent.held_nano += nano
        spent.held_tokens += bound.input_tokens + bound.output_tokens
        self._moved(line)

    def released(self, line: Line, bound: Bound, nano: int) -> None:
        """Take a hold off."""
        line.held_input -= bound.input_tokens
        line.held_output -= bound.output_tokens
        line.held_nano -= nano
        spent = line.spent
        spent.held_nano -= nano
        spent.held_tokens -= bound.input_tokens + bound.output_tokens
        assert spent.held_nano >= 0
        assert spent.held_tokens >= 0
        self._moved(line)

    def posted(self, line: Line, tokens: Usage, nano: int) -> None:
        """Post an amount to an open line: one that a hold came to or went from before."""
        line.posted_input += tokens.input_tokens
        line.posted_cached += tokens.cached_input_tokens
        line.posted_output += tokens.output_tokens
        line.posted_nano += nano
        spent = line.spent
        spent.posted_nano += nano
        spent.posted_tokens += tokens.input_tokens + tokens.output_tokens
        self._moved(line)

    def take_changed(self) -> tuple[AccountRow, ...]:
        """The accounts that anything moved on since the last call, as they stand now."""
        self._bring_up_to_date()
        changed, self._changed = self._changed, {}
        return tuple([_row(account) for account in changed.values()])

    def _moved(self, line: Line) -> None:
        if not line.is_moved:
            line.is_moved = True
            self._lines.append(line)

    def _bring_up_to_date(self) -> None:
        for line in self._lines:
            line.settle_accounts()
            self._changed[line.debit.number] = line.debit
            self._changed[line.credit.number] = line.credit
        self._lines = []

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
    )
