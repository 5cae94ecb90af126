"""Rows of a file, gzipped or not, as CSV or as one JSON object per line. Bad ones are told apart."""

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import orjson

from evenhand.workloads.readers.row import BadRow, Row, shown

Columns = list[str]
CsvParser = Callable[[Columns], Row]
JsonParser = Callable[[dict[str, Any]], Row]
Told = Callable[[BadRow], None]

T = TypeVar("T")

_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)


def first_line(path: Path) -> bytes:
    """The first that is not blank. ValueError: there is none, or the file cannot be read."""
    with _opened(path) as file:
        try:
            for line in file:
                if line.strip():
                    return line
        except _DAMAGED as error:
            raise ValueError(f"{path} cannot be unpacked: {error}.") from None
    raise ValueError(f"{path} is empty.")


def csv_rows(
    path: Path,
    needs: frozenset[str],
    parser_of: Callable[[Columns], Callable[[Columns], T]],
    bad: Told,
    *,
    may_end_early: bool = False,
) -> Iterator[tuple[int, T]]:
    """Rows with their line numbers; blank lines are none. ValueError: the header lacks a name.
    `may_end_early`: what lacks at the end of a row is empty."""
    with _opened(path) as file:
        reader = csv.reader(_lines(file, bad), strict=True)
        header = _header(path, reader, needs)
        parse, width = parser_of(header), len(header)
        while True:
            try:
                columns = next(reader, None)
            except csv.Error as error:
                bad(BadRow(reader.line_num, str(error)))
                continue
            if columns is None:
                return
            if not columns:
                continue
            try:
                if may_end_early:
                    columns += [""] * (width - len(columns))
                if len(columns) != width:
                    bad(BadRow(reader.line_num, f"{len(columns)} columns, not {width}"))
                    continue
                yield reader.line_num, parse(columns)
            except ValueError as error:
                bad(BadRow(reader.line_num, str(error)))


def json_rows(path: Path, parse: JsonParser, bad: Told) -> Iterator[tuple[int, Row]]:
    """Rows with their line numbers; blank lines are none."""
    with _opened(path) as file:
        for number, line in enumerate(_raw_lines(file, bad), start=1):
            if line.isspace():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                bad(BadRow(number, f"not JSON: {error}"))
                continue
            if type(value) is not dict:
                bad(BadRow(number, f"{shown(value)} is not an object"))
                continue
            try:
                yield number, parse(value)
            except ValueError as error:
                bad(BadRow(number, str(error)))


def _header(path: Path, reader: Iterator[Columns], needs: frozenset[str]) -> Columns:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error:
        header = []
    missing = sorted(needs.difference(header))
    if missing:
        raise ValueError(f"{path.name}: its first row names no {', '.join(missing)}.")
    return header


def _opened(path: Path) -> IO[bytes]:
    try:
        if path.suffix == ".gz":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error.strerror}.") from None


def _raw_lines(file: IO[bytes], bad: Told) -> Iterator[bytes]:
    number = 0
    try:
        for line in file:
            number += 1
            yield line
    except _DAMAGED as error:
        bad(BadRow(number + 1, f"the file cannot be unpacked from here on: {error}"))


def _lines(file: IO[bytes], bad: Told) -> Iterator[str]:
    for line in _raw_lines(file, bad):
        # A byte order mark stands before the header only.
        yield line.decode("utf-8", errors="replace").removeprefix("\ufeff")
