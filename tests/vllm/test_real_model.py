"""A real vLLM with a tiny model in one process: the core inside changes the order and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support import vllm_in_process
from support.vllm_in_process import ASKS, FIRST_OF_B, SEATS


def a_run(model: Path, *scheduler: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", vllm_in_process.__file__, str(model), *scheduler]
    environment = os.environ | {"PYTHONPATH": ""}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr[-4000:]
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def test_answers_are_the_same_and_the_order_is_fair(tiny: Path) -> None:
    stock = a_run(tiny)
    fair = a_run(tiny, "evenhand.inengine.vllm.FairScheduler")
    assert stock["scheduler"] in ("Scheduler", "AsyncScheduler")
    assert fair["scheduler"] == "FairScheduler"
    assert fair["answers"] == stock["answers"]
    assert len(fair["answers"]) == ASKS

    # Who asked last has the next four seats that become free.
    of_b = ASKS - FIRST_OF_B
    by_stock, by_fair = (list(run["answers"]) for run in (stock, fair))
    last_of_b = max(by_fair.index(name) for name in by_fair if name.startswith("b"))
    assert last_of_b < 2 * SEATS + of_b
    assert max(by_stock.index(name) for name in by_stock if name.startswith("b")) > last_of_b
    assert sum(by_stock.index(name) for name in by_stock if name.startswith("b")) > sum(
        by_fair.index(name) for name in by_fair if name.startswith("b")
    )
    answers = fair["answers"]
    for tenant, charged in fair["charged"].items():
        out = sum(len(tokens) for name, tokens in answers.items() if name.startswith(tenant))
        assert charged > 20 * out, "and for its prompts"
