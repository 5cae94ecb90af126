"""A trace that has been read: a few numbers for each row, from which asks are made for each run."""

from array import array
from collections.abc import Iterator, Sequence

from evenhand.model import TenantPath
from evenhand.workloads.ask import Ask
from evenhand.workloads.readers.block_tree import BlockTree
from evenhand.workloads.readers.row import Row

_NONE = -1


class TraceColumns:
    """Bounded by the rows, some sixty bytes each without texts. Can be iterated for asks as often as you
    like, once all rows are there; ids are numbers of rows, from 0. `tenants`: their paths, by number.
    `rate`: so many times as fast."""

    def __init__(
        self,
        tenants: Sequence[TenantPath],
        *,
        block_tokens: int,
        rate: float,
        is_closed_loop: bool,
    ) -> None:
        self.orphans = 0
        """Rows with a parent that does not come before them."""
        self.is_sorted = True
        self._tenants = tenants
        self._is_closed_loop = is_closed_loop
        self._rate = rate
        self._blocks = BlockTree(block_tokens)
        self._at_ms = array("d")
        self._input_tokens = array("i")
        self._output_tokens = array("i")
        self._tenant = array("i")
        self._application = array("i")
        self._lane = array("i")
        self._interaction = array("i")
        self._call_index = array("i")
        self._calls_total = array("i")
        self._content = array("i")
        self._known_tokens = array("i")
        self._applications: dict[str, int] = {}
        self._lanes: dict[str, int] = {}
        self._interactions: dict[str, int] = {}
        self._rows_by_id: dict[str, int] = {}
        self._after: dict[int, tuple[int, ...]] = {}
        self._awaited: set[int] = set()

    def __len__(self) -> int:
        return len(self._at_ms)

    def add(self, row: Row, tenant: int) -> None:
        """The next row, of the tenant of that number. ValueError: it contradicts itself or others;
        nothing has changed then."""
        number = len(self._at_ms)
        known_tokens = self._check(row)
        content = self._blocks.add(row.blocks) if row.blocks else _NONE
        if row.id:
            self._rows_by_id[row.id] = number
        if row.parents:
            self._link(row, number)
        if self._at_ms and row.at_ms < self._at_ms[-1]:
            self.is_sorted = False
        self._at_ms.append(row.at_ms)
        self._input_tokens.append(row.input_tokens)
        self._output_tokens.append(row.output_tokens)
        self._tenant.append(tenant)
        self._application.append(_number(self._applications, row.application))
        self._lane.append(_number(self._lanes, row.lane))
        self._interaction.append(_number(self._interactions, row.interaction))
        self._call_index.append(row.call_index)
        self._calls_total.append(row.calls_total)
        self._content.append(content)
        self._known_tokens.append(known_tokens)

    def lanes(self) -> list[str]:
        """That rows name, in order of first appearance."""
        return list(self._lanes)

    def __iter__(self) -> Iterator[Ask]:
        at_ms, tenants, prompt = self._at_ms, self._tenants, self._blocks.prompt
        names = list(self._applications), list(self._lanes), list(self._interactions)
        applications, lanes, interactions = names
        after, awaited = self._after, self._awaited
        start_ms, rate = min(at_ms, default=0.0), self._rate
        for row in self._order():
            input_tokens, content = self._input_tokens[row], self._content[row]
            yield Ask(
                id=row,
                at_ms=(at_ms[row] - start_ms) / rate,
                tenant=tenants[self._tenant[row]],
                input_tokens=input_tokens,
                output_tokens=self._output_tokens[row],
                after=after.get(row, ()),
                is_awaited=row in awaited,
                prompt=()
                if content == _NONE
                else prompt(content, self._known_tokens[row], input_tokens, row),
                application=applications[self._application[row]],
                interaction=interactions[self._interaction[row]],
                call_index=self._call_index[row],
                calls_total=self._calls_total[row],
                lane=lanes[self._lane[row]],
            )

    def _order(self) -> Sequence[int]:
        rows = range(len(self._at_ms))
        if self.is_sorted:
            return rows
        return array("i", sorted(rows, key=self._at_ms.__getitem__))

    def _check(self, row: Row) -> int:
        """How many of its tokens are in known blocks."""
        block_tokens = self._blocks.block_tokens
        known_tokens = len(row.blocks) * block_tokens
        if known_tokens >= row.input_tokens + block_tokens:
            raise ValueError(
                f"{len(row.blocks)} blocks of {block_tokens} tokens in {row.input_tokens} tokens"
            )
        if row.call_index >= row.calls_total:
            raise ValueError(f"call_index is {row.call_index} of {row.calls_total} calls")
        if row.id in self._rows_by_id:
            raise ValueError(f"its id {row.id[:40]} is another row's")
        return min(known_tokens, row.input_tokens)

    def _link(self, row: Row, number: int) -> None:
        """Ties a row to those that it waits for."""
        parents = [self._rows_by_id.get(parent, number) for parent in row.parents]
        # Where moments contradict the order of the file, moments hold.
        known = [p for p in parents if p < number and self._at_ms[p] <= row.at_ms]
        if len(known) < len(parents):
            self.orphans += 1
        if known and self._is_closed_loop:
            self._after[number] = tuple(known)
            self._awaited.update(known)


def _number(names: dict[str, int], name: str) -> int:
    number = names.get(name)
    if number is None:
        number = names[name] = len(names)
    return number
