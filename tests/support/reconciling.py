"""`evenhand reconcile` as an operator runs it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path
from typing import Any

from evenhand.gateway.admin.reconciliation import reconciliation_json
from evenhand.stores.reconcile_query import reconcile_engines
from evenhand.stores.schema import open_to_read
from support.serve import SECRETS


async def reconcile(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Of the gateway whose configuration is in that folder: the exit status, and what is said of each
    engine."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evenhand", "reconcile", "--json"),
        *("--config", str(folder / "evenhand.yaml"), *options),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **SECRETS},
    )
    out, error = await process.communicate()
    assert out, error
    return process.returncode or 0, {each["engine"]: each for each in json.loads(out)["engines"]}


def reconciled(folder: Path) -> dict[str, Any]:
    """What the command would say of each engine, without a process for it."""
    with closing(open_to_read(folder / "state" / "evenhand.db")) as connection:
        found: Any = reconciliation_json(reconcile_engines(connection))
    return {each["engine"]: each for each in found["engines"]}


def differences(found: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The causes, by the side they are of."""
    return {side: found[side]["causes"] for side in ("input", "output")}
