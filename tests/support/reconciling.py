"""`evenhand reconcile` as an operator runs it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

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


def differences(found: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The causes, by the side they are of."""
    return {side: found[side]["causes"] for side in ("input", "output")}
