"""Lengths of requests by quantiles of each client: `servegen_clients.csv` beside a file of windows."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from evenhand.workloads.draws import Floats
from evenhand.workloads.readers.row import TOKENS_MAX, BadRow, moment
from evenhand.workloads.readers.trace_file import Columns, csv_rows
from evenhand.workloads.renewals import Owners

FILE = "servegen_clients.csv"
_PARTS = (1, 5, 10, 25, 50, 75, 90, 95, 99)
_LEVELS = np.array((0, *_PARTS, 100)) / 100
_NEEDS = frozenset(
    {"model", "client", *(f"{way}_p{part}" for way in ("in", "out") for part in _PARTS)}
)

Key = tuple[str, str]
"""A model and a client of it."""


class Lengths:
    """Of prompts and answers. Between the quantiles all lengths are as likely on a logarithmic scale;
    no request is shorter than the first or longer than the last."""

    def __init__(self, known: dict[Key, Floats]) -> None:
        self._known = known
        """Logarithms: prompts' and answers', by level."""

    def of(self, keys: list[Key]) -> tuple[Floats, int]:
        """For these clients, and how many of them it has none for: they have the median client's.
        ValueError: it has none for any."""
        known = [self._known[key] for key in keys if key in self._known]
        if not known:
            raise ValueError(f"{FILE} has no lengths of the model {keys[0][0]}.")
        median = np.median(np.stack(known), axis=0)
        table = np.stack([self._known.get(key, median) for key in keys])
        return table, len(keys) - len(known)


def draw_lengths(table: Floats, way: int, owners: Owners, rng: np.random.Generator) -> list[int]:
    """Of prompts (0) or answers (1), one for each owner: rows of the table."""
    levels = rng.random(len(owners))
    lengths = np.empty(len(owners))
    for owner in np.unique(owners):
        own = owners == owner
        lengths[own] = np.interp(levels[own], _LEVELS, table[owner, way])
    whole: list[int] = np.maximum(np.rint(np.exp(lengths)), 1).astype(np.int64).tolist()
    return whole


def read_lengths(folder: Path) -> Lengths:
    """ValueError: the file is not there or has a row that cannot be read."""
    path = folder / FILE
    bad: list[BadRow] = []  # bounded by the file
    rows = [row for _, row in csv_rows(path, _NEEDS, _parser, bad.append, may_end_early=True)]
    if bad:
        raise ValueError(f"{path.name}: {bad[0]}.")
    return Lengths({key: lengths for key, lengths in rows if lengths is not None})


def _parser(header: Columns) -> Callable[[Columns], tuple[Key, Floats | None]]:
    model, client = header.index("model"), header.index("client")
    ways = [[header.index(f"{way}_p{part}") for part in _PARTS] for way in ("in", "out")]

    def parse(columns: Columns) -> tuple[Key, Floats | None]:
        key = columns[model], columns[client]
        if not all(columns[at] for way in ways for at in way):
            return key, None
        lengths = np.array([[moment(header[at], columns[at]) for at in way] for way in ways])
        logs = np.log(np.clip(lengths, 1, TOKENS_MAX))
        return key, np.concatenate((logs[:, :1], logs, logs[:, -1:]), axis=1)

    return parse
