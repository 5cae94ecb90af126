"""Profiles that ship: what they must say, and the errors they state, measured again."""

import csv
import json
import re
from statistics import mean

import pytest

from evenhand.sim.profile import EngineProfile, load_profile, shipped_profiles
from support.closed_loop import time_per_token_ms
from support.shared_data import shared_file

GRID_OF = {
    "a100-llama-3.1-8b": "A100/8B/TP1",
    "a100-llama-3.1-70b-tp4": "A100/70B/TP4",
    "h100-llama-3.1-8b": "H100/8B/TP1",
    "h100-llama-3.1-70b-tp4": "H100/70B/TP4",
    "h100-llama-3.1-70b-tp8": "H100/70B/TP8",
    "l40s-llama-3.1-8b": "L40S/8B/TP1",
}


def stated(profile: EngineProfile, kind: str) -> float:
    found = re.search(rf"{kind} ([\d.]+) %", profile.fit_error)
    assert found, f"{profile.name} states no error for {kind}"
    return float(found[1])


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_shipped_profile_says_what_it_rests_on(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert len(profile.evidence) > 20
    assert profile.fit_error
    assert name.endswith(f"-tp{profile.tensor_parallel}") or profile.tensor_parallel == 1


def test_figures_that_nobody_measured_are_called_so() -> None:
    assert "nverified" in load_profile("l4-llama-3.1-8b").evidence


def test_the_smaller_llama_on_an_a100_is_the_larger_one_scaled() -> None:
    small, large = (load_profile(f"a100-llama-2-{size}").step for size in ("7b", "13b"))
    scales = dict.fromkeys(("t_w_ms", "c_t_ms", "prefill_ms"), 0.52) | {"c_kv_ms": 0.64}
    for name, value in large.model_dump(exclude_none=True).items():
        assert getattr(small, name) == pytest.approx(value * scales.get(name, 1), rel=2e-3), name


@pytest.mark.parametrize("name", GRID_OF)
def test_the_error_against_measured_kernels_is_the_stated_one(name: str) -> None:
    profile = load_profile(name)
    cost = profile.step.model_copy(update={"t_host_ms": 0.0})
    errors: dict[str, list[float]] = {}
    seen = set()
    with shared_file("aiconfigurator_step_grid.csv").open() as stream:
        for row in csv.DictReader(stream):
            *point, measured = row.values()
            if row["config"] != GRID_OF[name] or tuple(point) in seen:
                continue  # a point's second row is of several prompts, the file does not say how many
            seen.add(tuple(point))
            prefill, requests = int(row["prefill_tokens"]), int(row["decode_requests"])
            step_ms = cost.step_ms(
                prefill + requests,
                requests,
                requests * int(row["decode_context_each"]),
                prefill * (int(row["prefill_prefix"]) + prefill / 2),
            )
            errors.setdefault(row["kind"], []).append(abs(step_ms / float(measured) - 1))
    assert {kind: round(100 * mean(found), 1) for kind, found in errors.items()} == {
        kind: stated(profile, kind) for kind in ("decode", "prefill", "mixed")
    }


def test_the_a10g_profile_is_as_close_to_the_kernel_profile_as_it_states() -> None:
    cost = load_profile("a10g-llama-2-7b").step.model_copy(update={"t_host_ms": 0.0})
    cells = json.loads(shared_file("vtc_a10g_llama7b_cost_profile.json").read_text())
    decodes: list[float] = []
    prefills: dict[bool, list[float]] = {True: [], False: []}
    for prompt, of_prompt in cells.items():
        for answer, (batch, prefill_s, decode_s) in of_prompt.items():
            tokens, steps = (
                int(prompt),
                int(answer),
            )  # a step for each token, after the prefill's own
            apart_ms = cost.prefill_apart_ms(batch * tokens, batch)
            prefills[tokens >= 16].append(abs(apart_ms / (1000 * batch * prefill_s) - 1))
            if steps > 1 and batch < 100:
                took_ms = sum(
                    cost.decode_apart_ms(batch, batch * (tokens + step))
                    for step in range(1, steps + 1)
                )
                decodes.append(abs(took_ms / (1000 * batch * decode_s) - 1))
    assert round(100 * mean(decodes), 1) == 2.2
    assert round(100 * mean(prefills[True]), 1) == 0.8
    assert 100 * max(prefills[True]) < 2.3
    assert 100 * max(prefills[False]) < 19


@pytest.mark.parametrize(
    ("name", "backend", "points"),
    [
        ("h100-llama-3.1-8b", "trtllm", 42),
        ("h100-llama-3.1-70b-fp8-tp2", "vllm", 15),
        ("h100-llama-3.1-70b-fp8-tp4", "vllm", 15),
    ],
)
def test_the_simulator_meets_measured_closed_loops_as_stated(
    name: str, backend: str, points: int
) -> None:
    profile = load_profile(name)
    size = "8B" if "-8b" in name else "70B"
    errors = []
    with shared_file("nvidia_silicon_llama31_e2e.csv").open() as stream:
        for row in csv.DictReader(stream):
            clients, tokens = int(float(row["concurrency"])), int(row["osl"])
            if (
                (row["system"], row["backend"]) != ("h100_sxm", backend)
                or float(row["tp_size"]) != profile.tensor_parallel
                or f"Llama-3.1-{size}" not in row["model_path"]
                or (row["precision"] == "fp8") != ("fp8" in name)
            ):
                continue
            ours = time_per_token_ms(profile, clients, int(row["isl"]), tokens)
            errors.append(abs(ours / float(row["silicon_tpot_ms"]) - 1))
    assert len(errors) == points
    assert 100 * mean(errors) <= stated(profile, "time per token") + 0.1
    assert 100 * max(errors) <= stated(profile, "worst") + 0.5
