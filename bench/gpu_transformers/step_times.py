"""`python -m bench.gpu_transformers.step_times out.json`: how long the engine's steps took against the
simulator's model of a step.

Of every two steps one is fitted on and the other predicted. `roofline` is nothing but a published
card's profile, scaled from its model to this one by weights, key-value bytes and attention arithmetic;
`host` has the host's time fitted beside it; `fitted` all parameters. `fitted, mask` has one more term:
the engine's attention without flash kernels reads every key against every query of a step, whosever
they are.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from evenhand.sim.calibration.simplex import Point, least
from evenhand.sim.engine.step_cost import StepCost
from evenhand.sim.profile import load_profile

# Of Llama 3.1 8B, whose profile is scaled: parameters, layers x heads x dimensions of keys and queries.
_PARAMETERS, _KEYS, _QUERIES = 8.03e9, 32 * 8 * 128, 32 * 32 * 128
_BANDWIDTHS = {"H100": 1.0, "H200": 4.8 / 3.35}
_FITTED_ON_MAX = 600
_RESTARTS = 8
_NAMES = ("t_host_ms", "t_w_ms", "c_t_ms", "c_kv_ms", "c_r_ms", "c_a_ms")


class Row(NamedTuple):
    """One step, as the bench writes it."""

    ms: float
    prompt_tokens: int
    answers: int
    context: int
    pairs: float
    read: int

    @property
    def kind(self) -> str:
        if not self.prompt_tokens:
            return "answers"
        return "both" if self.answers else "prompts"


class Model(NamedTuple):
    """The step's cost, and what a pair of a query and a key costs that do not belong together."""

    cost: StepCost
    mask_ms: float = 0.0

    def ms(self, row: Row) -> float:
        tokens = row.prompt_tokens + row.answers
        own = self.cost.step_ms(tokens, row.answers, row.context, row.pairs)
        return own + self.mask_ms * tokens * row.read


def roofline(size: Mapping[str, Any], parameters: int, card: str) -> StepCost:
    """Scaled from the profile of another model. An unknown card is taken for an H100."""
    known = load_profile("h100-llama-3.1-8b").step
    model = size["model"]
    keys = model["num_hidden_layers"] * model["num_key_value_heads"] * model["head_dim"]
    queries = model["num_hidden_layers"] * model["num_attention_heads"] * model["head_dim"]
    faster = next((by for name, by in _BANDWIDTHS.items() if name in card), 1.0)
    return known.model_copy(
        update={
            "t_w_ms": known.t_w_ms * parameters / _PARAMETERS / faster,
            "c_t_ms": known.c_t_ms * parameters / _PARAMETERS,
            "c_kv_ms": known.c_kv_ms * keys / _KEYS / faster,
            "c_a_ms": known.c_a_ms * queries / _QUERIES,
        }
    )


def fitted(rows: Sequence[Row], start: StepCost, names: Sequence[str], *, mask: bool) -> Model:
    """The parameters of these names so that predictions are least wrong by their logarithm."""
    every = max(1, len(rows) // _FITTED_ON_MAX)
    some = rows[::every]

    def model(at: Point) -> Model:
        changed = {
            name: getattr(start, name) * math.exp(x) for name, x in zip(names, at, strict=False)
        }
        mask_ms = 1e-9 * math.exp(at[-1]) if mask else 0.0
        return Model(start.model_copy(update=changed), mask_ms)

    def misfit(at: Point) -> float:
        if max(map(abs, at)) > 12:
            return math.inf
        fit = model(at)
        return sum(abs(math.log(fit.ms(row) / row.ms)) for row in some) / len(some)

    found: Point = tuple(0.0 for _ in range(len(names) + mask))
    for restart in range(_RESTARTS):
        reach = [(1.5 if restart % 2 else -1.0) / (1 + restart // 2)] * len(found)
        found = least(misfit, found, reach)[1]
    return model(found)


def errors(rows: Sequence[Row], model: Model) -> dict[str, Any]:
    """How far predictions are off, in percent of what was measured, by what the steps were for."""
    told = {}
    for kind in ("answers", "prompts", "both", "all"):
        of_kind = [row for row in rows if kind in ("all", row.kind)]
        off = sorted(abs(model.ms(row) / row.ms - 1) * 100 for row in of_kind)
        if off:
            told[kind] = {
                "steps": len(off),
                "median_percent": round(median(off), 1),
                "p90_percent": round(off[int(0.9 * (len(off) - 1))], 1),
                "bias_percent": round(
                    (sum(map(model.ms, of_kind)) / sum(r.ms for r in of_kind) - 1) * 100, 1
                ),
            }
    return told


def report(document: Mapping[str, Any]) -> dict[str, Any]:
    rows = [Row(*row) for row in document["steps"]]
    rows = [row for row in rows if row.prompt_tokens + row.answers]
    half, other = rows[::2], rows[1::2]
    start = roofline(document["size"], document["parameters"], document["device"])
    models: dict[str, Callable[[], Model]] = {
        "roofline": lambda: Model(start),
        "host": lambda: fitted(half, start, _NAMES[:1], mask=False),
        "fitted": lambda: fitted(half, start, _NAMES, mask=False),
        "fitted, mask": lambda: fitted(half, start, _NAMES, mask=True),
    }
    told = {}
    for name, build in models.items():
        model = build()
        told[name] = {
            "step": model.cost.model_dump(exclude_defaults=True),
            "mask_ms": model.mask_ms,
            "errors": errors(other, model),
        }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seen", type=Path, help="what bench.gpu_transformers wrote")
    parser.add_argument("--json", type=Path, help="write all of it to this file")
    chosen = parser.parse_args()
    told = report(json.loads(chosen.seen.read_text()))
    if chosen.json:
        chosen.json.write_text(json.dumps(told, indent=1) + "\n")
    for name, of_model in told.items():
        print(f"{name}: {of_model['step']} mask {of_model['mask_ms']:.2g}")
        for kind, off in of_model["errors"].items():
            print(f"  {kind:8} {off}")


if __name__ == "__main__":
    main()
