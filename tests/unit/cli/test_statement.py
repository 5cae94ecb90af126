"""`evenhand statement` and `evenhand ledger correct`, run as a person would."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from typer.testing import CliRunner, Result

from evenhand.cli.exports.columns import Column, Table
from evenhand.cli.exports.parquet_file import ParquetMissingError, parquet_bytes
from evenhand.cli.main import app
from support.made_ledger import made_ledger
from support.planted import plant
from support.serve import configuration, url_engine

ENGINE = url_engine("http://127.0.0.1:9", models=["llama-3.1-8b", "qwen", "free"])
MONTH = ("acme", "--period", "2024-11")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "evenhand.yaml"
    file.write_text(json.dumps(configuration(ENGINE, state={"folder": "state"})))
    (tmp_path / "state").mkdir()
    made_ledger(tmp_path / "state" / "evenhand.db", days=50, with_corrections=True)
    return file


def run(config: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, ["statement", "--config", str(config), *map(str, words)])


def correct(config: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["ledger", "correct", "--config", str(config), *words])


def as_json(config: Path, *words: str) -> Any:
    result = run(config, "--format", "json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_text_reads_well(config: Path) -> None:
    result = run(config, *MONTH)
    assert result.exit_code == 0
    head, *parts = result.stdout.split("\n\n")
    assert head.splitlines()[:2] == [
        "Statement (draft: not issued) for acme",
        "Period  2024-11-01 until before 2024-12-01 (UTC)",
    ]
    assert "…" not in result.stdout
    assert parts[0].splitlines()[0].split() == [
        *("model", "requests", "completed", "input", "cached", "output", "reasoning"),
        *("estimated", "GPU", "s", "money"),
    ]
    assert "Requests by outcome: " in result.stdout
    assert "\nTotal  " in result.stdout


@pytest.mark.parametrize("form", ["text", "csv", "json", "focus"])
def test_an_issued_statement_is_the_same_to_the_byte_for_ever(config: Path, form: str) -> None:
    issued = run(config, *MONTH, "--close", "--format", form)
    assert issued.exit_code == 0, issued.output
    assert "Issued as statement 1." in issued.stderr
    booked = correct(
        config,
        *("--tenant", "acme/search", "--model", "qwen", "--application", "chat"),
        *("--money", "0.01", "--reason", "a fee", "--reference", "FEE-1"),
    )
    assert booked.exit_code == 0, booked.output
    assert run(config, *MONTH, "--format", form).stdout_bytes == issued.stdout_bytes
    again = run(config, *MONTH, "--close")
    assert again.exit_code == 1
    assert "that period has its statement: number 1" in again.stderr


def test_what_is_issued_is_listed(config: Path) -> None:
    assert run(config, "--issued").stdout.startswith("No statement was issued yet")
    run(config, *MONTH, "--close")
    run(config, "acme/search", "--period", "2024-W46", "--close")
    (first, second) = as_json(config, "--issued")["statements"]
    assert (first["number"], first["tenant"], first["from"]) == (1, "acme", "2024-11-01")
    assert (second["number"], second["from"], second["to"]) == (2, "2024-11-11", "2024-11-18")
    assert first["total"] == as_json(config, *MONTH)["total"]["money"]
    assert first["digest"] == as_json(config, *MONTH)["digest"]
    assert "acme/search" in run(config, "--issued").stdout


def test_a_changed_ledger_is_noticed(config: Path) -> None:
    run(config, *MONTH, "--close")
    database = config.parent / "state" / "evenhand.db"
    row = "SELECT max(id) FROM transfer WHERE kind = 'settle' AND at_ms < 1732000000000"
    plant(database, f"UPDATE transfer SET units = units + 1 WHERE id <= ({row})")
    result = run(config, *MONTH)
    assert result.exit_code == 1
    assert "somebody has changed it; see `evenhand ledger audit`" in result.stderr


def test_lines_are_the_total_in_every_form(config: Path, tmp_path: Path) -> None:
    words = ("acme", "--period", "2024-11-01..2025-01-01")
    document = as_json(config, *words, "--by", "tenant,key,day")
    parts = [*document["lines"], *document["corrections"]]
    for currency, text in document["total"]["money"].items():
        lines = [Decimal(line["money"]) for line in parts if line["currency"] == currency]
        assert sum(lines) == Decimal(text) != 0
    for name in ("input_tokens", "output_tokens", "reasoning_tokens", "gpu_us"):
        assert document["total"][name] == sum(line[name] for line in parts) > 0
    text = run(config, *words, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    money = sum(Decimal(row["money"] or 0) for row in rows if row["currency"] == "EUR")
    assert money == Decimal(document["total"]["money"]["EUR"])
    assert {row["section"] for row in rows} == {"usage", "correction", "held"}
    file = tmp_path / "statement.parquet"
    assert run(config, *words, "--format", "parquet", "--out", file).exit_code == 0
    table = pyarrow.parquet.read_table(file)
    assert table.column_names == list(rows[0])
    assert str(table.schema.field("money").type) == "decimal128(38, 9)"
    moneys = table.column("money").to_pylist()
    assert [Decimal(row["money"]) if row["money"] else None for row in rows] == moneys


def test_gpu_time_by_the_hour_is_told_apart(config: Path) -> None:
    database = config.parent / "state" / "evenhand.db"
    hour_us = 1_731_574_800_000_000  # 2024-11-14 09:00
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO gpu_engine VALUES ('gpu0', 0, 0, 0)")
        for kind, tenant, gpu_us in (("exact", "acme/search", 9), ("idle", "", 7)):
            owner = (kind, tenant, tenant and "chat", tenant and "k", tenant and "qwen")
            connection.execute(
                "INSERT INTO gpu_time VALUES ('gpu0', ?, ?, ?, ?, ?, ?, ?, 'EUR', ?)",
                (hour_us, *owner, 3_600_000_000, gpu_us * 1_000_000),
            )
    before = as_json(config, *MONTH)
    (line,) = before["gpu"]["lines"]
    assert line == {
        "tenant": "acme/search",
        "model": "qwen",
        "exact_us": 9_000_000,
        "estimated_us": 0,
        "cost": {"EUR": "0.009"},
    }
    assert "acme/search  qwen         9            0  0.009 EUR" in run(config, *MONTH).stdout
    run(config, *MONTH, "--close")
    plant(database, "UPDATE gpu_time SET gpu_us = 1")
    assert as_json(config, *MONTH)["gpu"]["lines"] == [line], "as it was issued"
    rows = csv.DictReader(io.StringIO(run(config, *MONTH, "--format", "csv").stdout, newline=""))
    (gpu,) = [row for row in rows if row["section"] == "gpu"]
    assert (gpu["gpu_us"], gpu["gpu_cost"], gpu["money"]) == ("9000000", "0.009", "")
    early = as_json(config, *MONTH, "--cut", "1")["gpu"]
    assert early["lines"] == [], "no entry of a later hour is before that cut"


def test_parquet_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ParquetMissingError, match=r"pip install 'evenhand\[parquet\]'"):
        parquet_bytes(Table([Column("a")], []))


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("nobody", "--period", "2024-11"), 1, "there is no tenant 'nobody'"),
        (("acme",), 2, "name a tenant, and its --period"),
        (("acme", "--period", "2024-13"), 2, "'2024-13' is no period: name a month"),
        (("acme", "--period", "2024-W54"), 2, "is no period"),
        (("acme", "--period", "2024-11-02..2024-11-02"), 2, "must be later than"),
        ((*MONTH, "--cut", "now"), 2, "is no cut: copy it from a statement"),
        ((*MONTH, "--cut", "99999"), 1, "cannot be cut off after batch 99999"),
        ((*MONTH, "--by", "colour"), 2, "there are tenant, application"),
        ((*MONTH, "--close", "--cut", "3"), 2, "leave out --cut"),
        (("acme", "--period", "2024-11-01..2999-01-01", "--close"), 1, "goes on until before"),
    ],
)
def test_errors_name_the_fix(config: Path, words: tuple[str, ...], code: int, why: str) -> None:
    result = run(config, *words)
    assert why in " ".join(result.stderr.replace("│", "").split())
    assert result.exit_code == code


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("req_none",), 1, "the ledger has no request req_none"),
        ((), 1, "name a request, or a tenant and a model"),
        (("--tenant", "acme/search", "--model", "qwen"), 1, "say how much"),
        (
            ("--tenant", "acme/search", "--model", "qwen", "--money", "-0.1"),
            1,
            "name application, key or currency, because there are: application batch",
        ),
        (("--tenant", "x", "--model", "qwen", "--money", "-0.1"), 1, "has used nothing of qwen"),
        (
            (
                *("--tenant", "acme/search", "--model", "qwen", "--money", "-9.5"),
                *("--application", "chat"),
            ),
            1,
            " on the account: give back less",
        ),
        (("--money", "a lot"), 2, "such as -1.50"),
        (
            (
                *("--tenant", "acme/search", "--model", "free", "--money", "-1"),
                *("--application", "chat"),
            ),
            1,
            "nothing there has a price",
        ),
    ],
)
def test_corrections_that_cannot_be(
    config: Path, words: tuple[str, ...], code: int, why: str
) -> None:
    result = correct(config, *words, "--reason", "a test")
    assert why in " ".join(result.stderr.replace("│", "").split())
    assert result.exit_code == code


def test_a_request_is_given_back_once(config: Path) -> None:
    database = config.parent / "state" / "evenhand.db"
    with closing(sqlite3.connect(database)) as connection:
        (request,) = connection.execute(
            "SELECT request FROM transfer AS hold WHERE kind = 'hold' AND EXISTS "
            "(SELECT 1 FROM transfer WHERE id = hold.id + 3 AND nano > 0) "
            "AND request NOT IN (SELECT request FROM correction WHERE request IS NOT NULL) LIMIT 1"
        ).fetchone()
        query = "SELECT sum(posted_nano), sum(posted_gpu_us) FROM account WHERE side = 'model'"
        before = connection.execute(query).fetchone()
        result = correct(config, request, "--reason", "the answer was wrong")
        assert result.exit_code == 0, result.output
        after = connection.execute(query).fetchone()
        assert after[0] < before[0]
        assert after[1] < before[1]
    again = correct(config, request, "--reason", "once more")
    assert again.exit_code == 1
    assert "there is nothing left to give back" in again.stderr
    more = correct(config, request, "--money", "-0.000001", "--reason", "more")
    assert "no more than that can be given back" in more.stderr
    audit = CliRunner().invoke(app, ["ledger", "audit", "--config", str(config)])
    assert "FAULT  open holds" in audit.stdout
    assert audit.stdout.count("FAULT") == 1, "those that were left open, and nothing else"
