"""A table as Parquet: money and decimals as decimal numbers, never as floats. Wants the extra `parquet`,
which is imported when somebody asks for it."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from evenhand.cli.exports.columns import Sort, Table, Value

_NANO = Decimal(1).scaleb(-9)


class ParquetMissingError(Exception):
    """The package that writes it is not installed; the message says how to."""


def parquet_bytes(table: Table) -> bytes:
    """The whole file. Equal tables make equal bytes with one version of pyarrow. Raises
    ParquetMissingError."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ParquetMissingError(
            "Parquet is written by pyarrow, which is not installed: pip install 'evenhand[parquet]', "
            "or choose the format csv"
        ) from None
    types = {
        Sort.TEXT: pa.string(),
        Sort.WHOLE: pa.int64(),
        Sort.NANO: pa.decimal128(38, 9),
        Sort.DECIMAL: pa.decimal128(38, 15),
        Sort.MOMENT: pa.timestamp("ms", tz="UTC"),
    }
    arrays = [
        pa.array([_value(row[column.name], column.sort) for row in table.rows], types[column.sort])
        for column in table.columns
    ]
    names = [column.name for column in table.columns]
    stream = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, names=names), stream, compression="zstd")
    return stream.getvalue()


def _value(value: Value, sort: Sort) -> Any:
    if value is None:
        return None
    if sort is Sort.NANO:
        return int(value) * _NANO
    if sort is Sort.DECIMAL:
        return Decimal(value)
    if sort is Sort.MOMENT:
        return datetime.fromtimestamp(int(value) // 1000, UTC)
    return value
