"""What FOCUS 1.2 asks of rows beyond what the Foundation's validator knows (`make test-focus`), and that
they add up to the statement."""

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from evenhand.cli.main import app
from support.made_ledger import made_ledger
from support.serve import configuration, url_engine

Row = dict[str, str]
ENGINE = url_engine("http://127.0.0.1:9", models=["llama-3.1-8b", "qwen", "free"])
PERIOD = ("acme", "--period", "2024-11-01..2025-01-01")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("focus")
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(configuration(ENGINE, state={"folder": "state"})))
    (folder / "state").mkdir()
    made_ledger(folder / "state" / "evenhand.db", requests=400, seed=5, with_corrections=True)
    return file


def run(config: Path, form: str, output: Path | None = None) -> bytes:
    words = [*PERIOD, "--config", str(config), "--format", form]
    result = CliRunner().invoke(
        app, ["statement", *words, *(["--out", str(output)] if output else [])]
    )
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


@pytest.fixture(scope="module")
def rows(config: Path) -> list[Row]:
    return list(csv.DictReader(io.StringIO(run(config, "focus").decode(), newline="")))


def test_rows_add_up_to_the_statement_exactly(config: Path, rows: list[Row]) -> None:
    total = json.loads(run(config, "json"))["total"]
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        billed[row["BillingCurrency"]] += Decimal(row["BilledCost"])
        for name in ("EffectiveCost", "ListCost", "ContractedCost", "PricingCurrencyEffectiveCost"):
            assert row[name] == row["BilledCost"]
    assert billed.pop("XXX") == 0
    assert billed == {name: Decimal(text) for name, text in total["money"].items()}
    assert {row["x_Section"] for row in rows} >= {"usage", "rounding"}


def test_each_sort_of_token_is_a_sku_of_its_own(config: Path, rows: list[Row]) -> None:
    total = json.loads(run(config, "json"))["total"]
    consumed: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["SkuMeter"]:
            consumed[row["SkuMeter"]] += Decimal(row["ConsumedQuantity"])
            assert row["SkuId"].startswith(f"{row['ResourceId']}/")
    corrected = json.loads(run(config, "json"))["corrections"]
    cached = total["cached_input_tokens"] - sum(c["cached_input_tokens"] for c in corrected)
    all_input = total["input_tokens"] - sum(c["input_tokens"] for c in corrected)
    assert consumed["Cached Input Tokens"] == cached > 0
    assert consumed["Input Tokens"] == all_input - cached
    assert consumed["Reasoning Tokens"] == total["reasoning_tokens"] > 0
    assert consumed["Output Tokens"] == total["output_tokens"] - total["reasoning_tokens"]
    assert consumed["GPU Time"] * 10**6 == total["gpu_us"] > 0


def test_quantity_times_price_is_cost(rows: list[Row]) -> None:
    for row in rows:
        if row["ChargeCategory"] == "Usage":
            for price in ("ListUnitPrice", "ContractedUnitPrice"):
                assert Decimal(row["PricingQuantity"]) * Decimal(row[price]) == Decimal(
                    row["ListCost"]
                )


def test_what_stands_together(rows: list[Row]) -> None:
    for row in rows:
        has_sku = row["ChargeCategory"] == "Usage"
        for name in ("SkuId", "SkuMeter", "SkuPriceId", "PricingCategory", "PricingUnit"):
            assert bool(row[name]) == has_sku, (name, row)
        assert bool(row["ConsumedQuantity"]) == bool(row["ConsumedUnit"]) == bool(row["SkuPriceId"])
        assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"]
        assert json.loads(row["Tags"]).keys() == {"application", "key"}
        assert row["SubAccountId"].split("/")[0] == row["BillingAccountId"] == "acme"
        assert not row["InvoiceId"], "it was not issued"
        for name, value in row.items():
            assert "e" not in value.lower() or not name.endswith(("Cost", "Price", "Quantity"))


def test_parquet_has_the_same_rows_as_decimals(
    config: Path, rows: list[Row], tmp_path: Path
) -> None:
    file = tmp_path / "focus.parquet"
    run(config, "focus-parquet", file)
    table = pyarrow.parquet.read_table(file)
    assert table.column_names == list(rows[0])
    assert str(table.schema.field("BilledCost").type) == "decimal128(38, 15)"
    assert str(table.schema.field("ChargePeriodStart").type) == "timestamp[ms, tz=UTC]"
    costs = table.column("BilledCost").to_pylist()
    assert costs == [Decimal(row["BilledCost"]) for row in rows]
