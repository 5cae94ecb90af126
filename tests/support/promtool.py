"""Prometheus' own tool, and what a gateway told in a real run put into its form."""

import asyncio
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yaml"
STEP_S = 15
"""Between two pages that were recorded, as promtool is told: a run of some seconds becomes one of
minutes. Quantiles, shares and ages do not change by that; rates of events become less, by as much."""


async def promtool(*arguments: str, folder: Path) -> tuple[int, str]:
    """Its exit code and all that it says."""
    path = shutil.which("promtool")
    assert path, "there is no promtool: apt-get install prometheus"
    process = await asyncio.create_subprocess_exec(
        path,
        *arguments,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


def input_series(pages: Sequence[str]) -> list[dict[str, str]]:
    """The pages of `/metrics`, one a step, as promtool's series."""
    series: dict[str, list[str]] = {}
    for step, page in enumerate(pages):
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                labels = {**sample.labels, "instance": "gateway:8081", "job": "evenhand"}
                inside = ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
                values = series.setdefault(f"{sample.name}{{{inside}}}", [])
                values += ["_"] * (step - len(values))
                values.append(repr(sample.value))
    series['up{instance="gateway:8081", job="evenhand"}'] = ["1"] * len(pages)
    return [{"series": name, "values": " ".join(values)} for name, values in series.items()]


async def firing(pages: Sequence[str], folder: Path) -> set[str]:
    """Which of our alerts fire at some minute of that run."""
    names = [rule["alert"] for rule in _rules() if "alert" in rule]
    fired = set()
    minutes = range(1, len(pages) * STEP_S // 60 + 1)
    tests = [_test(pages, name, minutes) for name in names]
    shutil.copy(RULES, folder / "rules.yaml")
    for name, test in zip(names, tests, strict=True):
        document = {"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": [test]}
        (folder / "run.yaml").write_text(json.dumps(document))
        code, output = await promtool("test", "rules", "run.yaml", folder=folder)
        assert code == 0 or "got:" in output, output
        if code:
            fired.add(name)
    return fired


def _test(pages: Sequence[str], alert: str, minutes: Sequence[int]) -> dict[str, Any]:
    """Holds while that alert is silent."""
    expression = f'ALERTS{{alertstate="firing", alertname="{alert}"}}'
    silent = [{"expr": expression, "eval_time": f"{m}m", "exp_samples": []} for m in minutes]
    return {
        "interval": f"{STEP_S}s",
        "input_series": input_series(pages),
        "promql_expr_test": silent,
    }


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> set[str]:
    """The names of all."""
    return {rule["alert"] for rule in _rules() if "alert" in rule}


def named_metrics(text: str) -> set[str]:
    """Names of ours in expressions, without the endings of histograms and counters."""
    names = set(re.findall(r"evenhand_\w+", text))
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}


def exposed_metrics(page: str) -> set[str]:
    """Names that a page of `/metrics` has, as `named_metrics` gives them."""
    return set(re.findall(r"^# TYPE (evenhand_\w+)", page, re.MULTILINE))
