"""Questions to the account of GPU time: however they are grouped, time and money add up."""

import random
from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest

from evenhand.ledger import Consumer
from evenhand.ledger.gpu import NOBODY, GpuKind, GpuOwner, GpuPrice
from evenhand.model import ApplicationName, EngineName, KeyId, ModelName
from evenhand.stores import EngineBatch, EngineFile, GpuRow, StateProblemError
from evenhand.stores.gpu_query import GPU_GROUPINGS, GpuQuery, read_gpu_time
from evenhand.stores.schema import open_to_read

HOUR_US = 3_600_000_000
PRICES = (GpuPrice(2_499_999_000, "EUR"), GpuPrice(3_333_333_000, "USD"), GpuPrice(0, ""))


def filled(database: Path, seed: int = 7) -> EngineBatch:
    chance = random.Random(seed)
    file, batch = EngineFile(database), EngineBatch(0, 50 * HOUR_US)
    for _ in range(300):
        tenant = chance.choice([("a",), ("a", "x"), ("ab",), ("b",)])
        who = Consumer(tenant, ApplicationName(chance.choice("pq")), KeyId(chance.choice("kl")))
        kind = chance.choice(list(GpuKind))
        owner = NOBODY.get(kind) or GpuOwner(kind, who, ModelName(chance.choice("mn")))
        row = GpuRow(chance.randrange(50) * HOUR_US, owner, chance.choice(PRICES))
        batch.gpu_us[row] = batch.gpu_us.get(row, 0) + chance.randrange(1, HOUR_US)
    file.write({EngineName("gpu0"): batch})
    file.close()
    return batch


def test_time_and_money_are_the_same_however_they_are_grouped(tmp_path: Path) -> None:
    database = tmp_path / "evenhand.db"
    batch = filled(database)
    exact = {
        currency: sum(
            us * row.price.nano_per_hour // HOUR_US
            for row, us in batch.gpu_us.items()
            if row.price.currency == currency
        )
        for currency in ("EUR", "USD")
    }
    with closing(open_to_read(database)) as connection:
        for by in ((), *combinations(GPU_GROUPINGS, 1), *combinations(GPU_GROUPINGS, 3)):
            lines = read_gpu_time(connection, GpuQuery(by=by)).values()
            assert sum(line.total_us for line in lines) == sum(batch.gpu_us.values())
            for currency, nano in exact.items():
                told = sum(line.nano[currency] + line.nano_of_nobody[currency] for line in lines)
                assert told == nano


def test_a_node_of_the_tree_has_all_below_it_and_nothing_beside(tmp_path: Path) -> None:
    database = tmp_path / "evenhand.db"
    batch = filled(database)
    with closing(open_to_read(database)) as connection:
        found = read_gpu_time(
            connection, GpuQuery(by=("tenant", "day"), tenant="a", to_ms=86_400_000)
        )
    assert set(found) == {("a", "1970-01-01"), ("a/x", "1970-01-01")}
    asked = sum(
        us
        for row, us in batch.gpu_us.items()
        if row.owner.consumer.tenant[:1] == ("a",) and row.hour_us < 24 * HOUR_US
    )
    assert sum(line.used_us for line in found.values()) == asked


def test_a_batch_is_added_once_and_none_may_be_missing(tmp_path: Path) -> None:
    database = tmp_path / "evenhand.db"
    batch = filled(database)
    file = EngineFile(database)
    file.write({EngineName("gpu0"): batch})
    with closing(open_to_read(database)) as connection:
        (line,) = read_gpu_time(connection, GpuQuery(by=())).values()
    assert line.total_us == sum(batch.gpu_us.values())
    with pytest.raises(StateProblemError, match="does not go on"):
        file.write({EngineName("gpu0"): EngineBatch(51 * HOUR_US, 52 * HOUR_US)})
    file.close()
