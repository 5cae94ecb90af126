"""Exports in the columns of FOCUS, by the Foundation's own validator.

focus-validator 1.0.0 knows FOCUS 0.5 and 1.0, no later version: of ours, which are 1.2's, it sees those
that 1.0 has. It calls four of them by other names than the specification does, and asks one rule of a
column that 1.0 renamed: the copy that it gets has those names. It reads no network: its list of
currencies lies beside it, to be found from the folder that it is installed in.
"""

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app
from support.made_ledger import made_ledger
from support.serve import configuration, url_engine

NAMES = {
    "InvoiceIssuerName": "InvoiceIssuer",
    "ProviderName": "Provider",
    "PublisherName": "Publisher",
    "ResourceId": "ResourceID",
}
ENGINE = url_engine("http://127.0.0.1:9", models=["llama-3.1-8b", "qwen", "free"])


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a month with all there is: excesses, reasoning, GPU time, several currencies, corrections."""
    folder = tmp_path_factory.mktemp("focus")
    config = folder / "evenhand.yaml"
    config.write_text(json.dumps(configuration(ENGINE, state={"folder": "state"})))
    (folder / "state").mkdir()
    made_ledger(folder / "state" / "evenhand.db", requests=300, with_corrections=True)
    file = folder / "focus.csv"
    for tenant in ("acme", "acmeville"):
        words = ("statement", tenant, "--period", "2024-11-01..2025-01-01", "--format", "focus")
        part = folder / f"{tenant}.csv"
        result = CliRunner().invoke(app, [*words, "--config", str(config), "--out", str(part)])
        assert result.exit_code == 0, result.output
        content = part.read_bytes()
        with file.open("ab") as stream:
            stream.write(content if tenant == "acme" else content.split(b"\r\n", 1)[1])
    return file


def validated(rows: list[list[str]], folder: Path) -> dict[str, str]:
    """The failures, by the names of their checks."""
    head = [NAMES.get(name, name) for name in rows[0]]
    category = head.index("ChargeCategory")
    file, report = folder / "copy.csv", folder / "report.xml"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*head, "ChargeType"])
        writer.writerows([*row, row[category]] for row in rows[1:])
    spec = importlib.util.find_spec("focus_validator")
    assert spec is not None
    assert spec.origin is not None
    words = ("--data-file", str(file), "--validate-version", "1.0")
    output = ("--output-type", "unittest", "--output-destination", str(report))
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "focus_validator.main", *words, *output],
        cwd=Path(spec.origin).parent.parent,
        env={**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    root = ET.parse(report).getroot()
    assert int(root.get("tests", "0")) == 133
    return {
        case.get("name", ""): failure.get("message", "")
        for case in root.iter("testcase")
        for failure in case.iter("failure")
    }


def rows_of(file: Path) -> list[list[str]]:
    with file.open(newline="") as stream:
        return list(csv.reader(stream))


def test_the_validator_finds_nothing(export: Path, tmp_path: Path) -> None:
    rows = rows_of(export)
    assert len(rows) > 300
    assert validated(rows, tmp_path) == {}


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [
        ("BilledCost", "much", "BilledCost_IsDecimal"),
        ("BillingCurrency", "EURO", "BillingCurrency_IsCurrencyCode"),
        ("ChargePeriodStart", "yesterday", "ChargePeriodStart_IsDateTime"),
        ("ServiceCategory", "Magic", "ServiceCategory_Enum"),
        ("Tags", "{", "Tags_IsJSONObject"),
        ("SkuPriceId", "", "SkuPriceId_Nullable"),
    ],
)
def test_it_would_find_what_is_wrong(
    export: Path, tmp_path: Path, column: str, value: str, check: str
) -> None:
    rows = rows_of(export)
    rows[1][rows[0].index(column)] = value
    assert any(name.startswith(check) for name in validated(rows, tmp_path))
