"""`evenhand usage`, run as a person would."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from evenhand.cli.exports.csv_file import csv_bytes
from evenhand.cli.main import app
from evenhand.cli.usage.period import Period
from evenhand.cli.usage.report import UsageReport
from evenhand.cli.usage.table import table_text
from evenhand.cli.usage.usage_table import usage_table
from evenhand.model import Outcome
from evenhand.stores.usage_line import UsageLine
from support.ledger import rows
from support.made_ledger import made_ledger
from support.planted import plant
from support.serve import configuration, url_engine

ENGINE = url_engine("http://127.0.0.1:9", models=["llama-3.1-8b", "qwen", "free"])


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("usage")
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(configuration(ENGINE, state={"folder": "state"})))
    (folder / "state").mkdir()
    made_ledger(folder / "state" / "evenhand.db")
    return file


def run(config: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(app, ["usage", "--config", str(config), *map(str, words)])


def as_json(config: Path, *words: str) -> Any:
    result = run(config, "--format", "json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def as_csv(config: Path, *words: str) -> list[dict[str, str]]:
    result = run(config, "--format", "csv", *words)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout, newline="")))


def test_the_table_reads_well(config: Path) -> None:
    result = run(config)
    assert result.exit_code == 0
    assert "…" not in result.stdout
    head, *body = result.stdout.split("\n\n")
    lines = head.splitlines()
    assert len({len(line) for line in lines[1:]}) == 1, "figures stand below one another"
    assert lines[1].split()[:4] == ["tenant", "model", "requests", "completed"]
    assert [line.split()[:2] for line in lines[3:5]] == [
        ["acme/search", "free"],
        ["acme/search", "llama-3.1-8b"],
    ]
    assert body[0].startswith("all")
    assert "100.0 %" in body[0]
    assert "Requests that ended at any time." in result.stdout
    assert "Under way now" in result.stdout


def test_the_forms_have_the_same_figures(config: Path) -> None:
    document = as_json(config, "--by", "tenant,model")
    lines = as_csv(config)
    assert document["by"] == ["tenant", "model"]
    assert len(lines) == len(document["lines"]) == 9
    for line, entry in zip(lines, document["lines"], strict=True):
        for name in ("tenant", "model", "requests", "charged", "input_tokens", "units"):
            assert line[name] == str(entry[name])
        assert Decimal(line["share"]) == Decimal(str(entry["share"]))
        assert {line[f"outcome_{outcome}"] for outcome in Outcome} >= {"0", line["outcome_shed"]}
        assert line["money_EUR"] == entry["money"]["EUR"]
        assert line["held_USD"] == entry["held_money"]["USD"]
        assert {*entry["outcomes"]} == {*Outcome}
        assert sum(entry["outcomes"].values()) == entry["requests"]


def test_the_total_is_the_sum_of_the_lines_and_of_the_rows(config: Path) -> None:
    document = as_json(config, "--by", "key")
    total, lines = document["total"], document["lines"]
    for name in ("requests", "input_tokens", "cached_input_tokens", "output_tokens", "units"):
        assert total[name] == sum(line[name] for line in lines) > 0
    database = config.parent / "state" / "evenhand.db"
    posted = rows(database, "SELECT * FROM transfer WHERE kind IN ('settle', 'excess')")
    assert total["output_tokens"] == sum(row["output_tokens"] for row in posted)
    by_currency: dict[str, int] = {}
    for row in rows(database, "SELECT * FROM account WHERE side = 'model'"):
        nano = by_currency.get(row["currency"], 0) + row["posted_nano"]
        by_currency[row["currency"]] = nano
    assert {name: int(Decimal(text) * 10**9) for name, text in total["money"].items()} == {
        name: nano for name, nano in by_currency.items() if name
    }
    assert sum(line["share"] for line in lines) == pytest.approx(1, abs=1e-5)


def test_a_period_of_days(config: Path) -> None:
    days = as_csv(config, "--by", "day")
    ended = [line for line in days if line["day"]]
    assert len(ended) > 20
    first, second = ended[3]["day"], ended[4]["day"]
    (line,) = as_csv(config, "--by", "day", "--from", first, "--to", second)
    assert line["requests"] == ended[3]["requests"]
    assert line["open_requests"] == "0", "that period is over"
    assert (days[0]["day"], days[0]["open_requests"]) == ("", "3"), "no day yet"


def test_the_same_question_has_the_same_answer_to_the_byte(config: Path) -> None:
    words = ("--to", "2024-11-20", "--by", "key,day", "--format")
    for form in ("json", "csv", "table"):
        assert run(config, *words, form).stdout == run(config, *words, form).stdout


def test_filters(config: Path) -> None:
    lines = as_csv(
        config, "--by", "tenant,application,model", "--tenant", "acme", "--model", "qwen"
    )
    assert {line["tenant"] for line in lines} == {"acme/search", "acme/support"}
    assert {line["model"] for line in lines} == {"qwen"}
    nobody = run(config, "--tenant", "acm")
    assert nobody.exit_code == 0
    assert nobody.stdout.startswith("No requests that ended at any time match.")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--from", "yesterday"), "'yesterday' is no date: write year, month and day, such as"),
        (("--from", "2026-02-30"), "'2026-02-30' is no date"),
        (("--to", "20261101"), "'20261101' is no date"),
        (("--from", "2026-11-02", "--to", "2026-11-02"), "until 2026-11-03 is a day"),
        (("--by", "tenant,colour"), "there are tenant, application, model"),
        (("--by", ""), "there are tenant, application, model"),
        (("--by", "day,day"), "name each once"),
    ],
)
def test_errors_in_what_is_asked_name_the_fix(
    config: Path, words: tuple[str, ...], why: str
) -> None:
    result = run(config, *words)
    assert result.exit_code == 2
    assert why in " ".join(result.stderr.replace("│", "").split())


def test_errors_of_the_state_name_the_fix(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "evenhand.yaml"
    file.write_text(json.dumps(configuration(ENGINE)))
    assert "has no `state` section, so nothing is kept: add `state" in run(file).stderr

    file.write_text(json.dumps(configuration(ENGINE, state={"folder": "state"})))
    result = run(file)
    assert result.exit_code == 1
    assert "there is no state database" in result.stderr

    (tmp_path / "state").mkdir()
    database = tmp_path / "state" / "evenhand.db"
    made_ledger(database, requests=1)
    plant(database, "PRAGMA user_version = 1000")
    assert "run the newer version again" in run(file).stderr

    file.write_text("engines: 3")
    assert f"{file}:1: engines" in run(file).stderr
    assert "there is no such file" in run(tmp_path / "none.yaml").stderr
    assert config.exists()


def test_output_goes_to_a_file_whole(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    result = run(config, "--format", "csv", "--output", file)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert file.read_bytes().count(b"\r\n") == 10
    assert [path.name for path in tmp_path.iterdir()] == ["usage.csv"]
    missing = run(config, "--output", tmp_path / "nowhere" / "usage.csv")
    assert missing.exit_code == 1
    assert "cannot be written (No such file or directory): check the folder" in missing.stderr


def csv_text(report: UsageReport) -> str:
    return csv_bytes(usage_table(report)).decode()


def statement(*groups: str, **figures: Any) -> UsageReport:
    lines: dict[tuple[str, ...], UsageLine] = {}
    for group in groups:
        line = UsageLine(**figures)
        line.outcomes["completed"] = 1_234_567
        line.nano["EUR"] = 1_234_567_800_000_000
        lines[(group,)] = line
    return UsageReport(("tenant",), Period(None, None), lines)


@pytest.mark.parametrize("name", ["=1+1", "-tenant", "+1", "@x", "\tx", "\rx"])
def test_no_spreadsheet_takes_a_name_for_a_formula(name: str) -> None:
    row = list(csv.reader(io.StringIO(csv_text(statement(name)), newline="")))[1]
    assert row[0] == f"'{name}"


def test_names_are_quoted() -> None:
    name = 'a,"b\n'
    row = list(csv.reader(io.StringIO(csv_text(statement(name)), newline="")))[1]
    assert row[0] == name


def test_big_numbers_can_be_read_in_the_table_and_are_exact_in_csv() -> None:
    asked = statement("a", input_tokens=10**15 + 1, charged=1_234_567, units=7)
    assert "1,000,000,000,000,001" in table_text(asked)
    assert "1,234,567" in table_text(asked)
    assert "1,234,567.8" in table_text(asked)
    assert ",1000000000000001," in csv_text(asked)
    assert ",1234567.8," in csv_text(asked)


def test_nothing_in_a_name_is_markup() -> None:
    assert "file:/keys[bold]/a:smile:b" in table_text(statement("file:/keys[bold]/a:smile:b", "c"))


def test_only_requests_under_way() -> None:
    line = UsageLine(open_requests=1, held_tokens=5)
    line.held_nano["EUR"] = 7
    text = table_text(UsageReport(("key",), Period(None, None), {("k",): line}))
    assert text.startswith("No requests that ended at any time match.")
    assert "0.000000007" in text


def test_columns_without_figures_are_left_out() -> None:
    text = table_text(statement("a", charged=1_234_567))
    for title in ("cached", "mated", "short", "charged", "held"):
        assert title not in text
