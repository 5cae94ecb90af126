"""What the core costs inside vLLM: its stock scheduler against ours, without a model and with one.

    make test-vllm                                                      # once: vLLM's environment
    .venv-vllm/bin/python -m bench.vllm_cost --json docs/evidence/vllm-cost.json       (4 minutes)

Both are driven by turns, a few steps each, in one process, so that whatever disturbs the machine
disturbs both. Times are CPU time. Ratios are of pairs of turns: the median, and between which the
middle half is.
"""

import argparse
import gc
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(
    0, str(Path(__file__).parents[1] / "tests")
)  # the bare scheduler lives with its tests
os.environ |= {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
os.environ |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # threads that wait for each other would be all one sees
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")

from vllm.entrypoints.llm import LLM
from vllm.sampling_params import SamplingParams
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.scheduler import Scheduler

from evenhand.inengine.vllm import FairScheduler
from support.tiny_model import write_config
from support.vllm_bare import Ask, BareEngine, Shape, bare_scheduler

SIZES = [(running, waiting) for running in (8, 64, 256) for waiting in (0, 64, 1000)]
TENANTS = 8
TURNS, TURN_STEPS = 24, 16
SETTINGS = {"trust_hints": True, "report_s": 0}
TARGET_SCHEDULE, TARGET_THROUGHPUT = 1.1, 0.98


@dataclass
class Timed:
    """CPU time of the calls of one turn, in microseconds a step."""

    schedule_us: float
    update_us: float


class Bench:
    """`running` requests that answer and `waiting` ones that do not get a seat. `turnover`: answers are
    short, so that somebody ends and somebody starts nearly every step."""

    def __init__(
        self, kind: type[Scheduler], model: Path, running: int, waiting: int, *, turnover: bool
    ) -> None:
        shape = Shape(seats=running, step_tokens=max(512, 2 * running), blocks=20_000)
        settings = SETTINGS if kind is FairScheduler else None
        self.engine = BareEngine(bare_scheduler(kind, model, shape, settings))
        self.total, self.turnover = running + waiting, turnover
        self.dice = random.Random(1)  # noqa: S311 - lengths
        self.count = 0
        self.fill()
        for _ in range(40):
            self.engine.step()

    def fill(self) -> None:
        while len(self.engine.scheduler.requests) < self.total:
            self.count += 1
            place = self.count % 4000
            length = self.dice.randint(16, 48) if self.turnover else 1900
            ask = Ask(
                id=f"{self.count}",
                prompt=tuple(range(place, place + self.dice.randint(16, 64))),
                output_tokens_max=length,
                told={"evenhand_tenant": f"t{self.count % TENANTS}"},
            )
            self.engine.add(ask)

    def turn(self, steps: int) -> Timed:
        engine, schedule_ns, update_ns = self.engine, 0, 0
        for _ in range(steps):
            if self.turnover:
                self.fill()
            began = time.thread_time_ns()
            step = engine.schedule()
            schedule_ns += time.thread_time_ns() - began
            if len(engine.in_flight) == engine.depth or not step.scheduled:
                due = engine.in_flight.popleft()
                began = time.thread_time_ns()
                engine.update(due)
                update_ns += time.thread_time_ns() - began
        return Timed(schedule_ns / steps / 1000, update_ns / steps / 1000)


def spread(ratios: Sequence[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {"median": round(middle, 3), "from": round(low, 3), "to": round(high, 3)}


def model_free(model: Path, running: int, waiting: int, *, turnover: bool) -> dict[str, Any]:
    kinds = (AsyncScheduler, FairScheduler)
    stock, fair = (Bench(kind, model, running, waiting, turnover=turnover) for kind in kinds)
    pairs: list[tuple[Timed, Timed]] = []
    gc.collect()
    gc.disable()
    for number in range(TURNS):
        first, second = (stock, fair) if number % 2 else (fair, stock)
        one, other = first.turn(TURN_STEPS), second.turn(TURN_STEPS)
        pairs.append((one, other) if number % 2 else (other, one))
    gc.enable()

    def both(of: Callable[[Timed], float]) -> dict[str, Any]:
        return {
            "stock_us": round(statistics.median(of(pair[0]) for pair in pairs), 1),
            "fair_us": round(statistics.median(of(pair[1]) for pair in pairs), 1),
            "ratio": spread([of(fair) / of(stock) for stock, fair in pairs]),
        }

    return {
        "running": running,
        "waiting": waiting,
        "turnover": turnover,
        "schedule": both(lambda timed: timed.schedule_us),
        "update": both(lambda timed: timed.update_us),
        "both": both(lambda timed: timed.schedule_us + timed.update_us),
    }


def with_a_model(model: Path, turns: int) -> dict[str, Any]:
    """One engine whose scheduler is exchanged while it is idle, and the same requests for each."""
    llm = LLM(
        model=str(model),
        skip_tokenizer_init=True,
        load_format="dummy",
        dtype="bfloat16",
        max_model_len=1024,
        max_num_seqs=16,
        max_num_batched_tokens=512,
        block_size=32,
        enforce_eager=True,
        enable_prefix_caching=False,
        additional_config={"evenhand": SETTINGS},
    )
    core = llm.llm_engine.engine_core.engine_core
    stock = core.scheduler
    fair = FairScheduler(
        vllm_config=stock.vllm_config,
        kv_cache_config=stock.kv_cache_config,
        structured_output_manager=stock.structured_output_manager,
        block_size=stock.block_size,
        hash_block_size=stock.hash_block_size,
        log_stats=stock.log_stats,
    )

    def turn(scheduler: Scheduler, seed: int) -> tuple[float, float]:
        """Tokens a second, of wall time and of CPU time."""
        core.scheduler = scheduler
        dice = random.Random(seed)  # noqa: S311 - lengths
        prompts = [{"prompt_token_ids": [dice.randrange(5, 4000)] * 96} for _ in range(48)]
        parameters = [
            SamplingParams(
                max_tokens=dice.randint(16, 48),
                temperature=0,
                ignore_eos=True,
                detokenize=False,
                extra_args={"evenhand_tenant": f"t{number % TENANTS}"},
            )
            for number in range(48)
        ]
        began, cpu = time.perf_counter(), time.process_time()
        outputs = llm.generate(prompts, parameters, use_tqdm=False)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        tokens = sum(96 + len(output.outputs[0].token_ids) for output in outputs)
        return tokens / wall, tokens / cpu

    for scheduler in (stock, fair):
        turn(scheduler, 0)
    pairs = []
    for number in range(turns):
        order = (stock, fair) if number % 2 else (fair, stock)
        one, other = turn(order[0], number), turn(order[1], number)
        pairs.append((one, other) if number % 2 else (other, one))
    wall_ratios = [ours[0] / stocks[0] for stocks, ours in pairs]
    cpu_ratios = [ours[1] / stocks[1] for stocks, ours in pairs]
    return {
        "turns": turns,
        "stock_tokens_s": round(statistics.median(stocks[0] for stocks, _ in pairs)),
        "fair_tokens_s": round(statistics.median(ours[0] for _, ours in pairs)),
        "ratio": spread(wall_ratios),
        "ratio_of_cpu": spread(cpu_ratios),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--turns", type=int, default=12, help="with a model, of each scheduler")
    parser.add_argument("--only", choices=["bare", "model"])
    chosen = parser.parse_args()
    report: dict[str, Any] = {
        "vllm": version("vllm-cpu"),
        "python": platform.python_version(),
        "targets": {"schedule_ratio": TARGET_SCHEDULE, "throughput_ratio": TARGET_THROUGHPUT},
    }
    with tempfile.TemporaryDirectory() as folder:
        model = write_config(Path(folder))
        if chosen.only != "model":
            report["model_free"] = []
            for turnover in (False, True):
                for running, waiting in SIZES:
                    row = model_free(model, running, waiting, turnover=turnover)
                    report["model_free"].append(row)
                    sys.stdout.write(json.dumps(row) + "\n")
        if chosen.only != "bare":
            report["with_a_model"] = with_a_model(model, chosen.turns)
            sys.stdout.write(json.dumps(report["with_a_model"]) + "\n")
    if chosen.json is not None:
        if chosen.json.exists():
            report = json.loads(chosen.json.read_text()) | report
        chosen.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
