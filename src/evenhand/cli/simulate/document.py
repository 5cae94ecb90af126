"""The figures as JSON: equal inputs give equal bytes."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

import evenhand
from evenhand.cli.simulate.plan import Plan
from evenhand.cli.simulate.problem import SimulateError
from evenhand.scheduling import Policy
from evenhand.sim.exhibit import Exhibit
from evenhand.workloads.workload import Workload


def document(plan: Plan, workload: Workload, exhibits: Mapping[str, Exhibit]) -> dict[str, Any]:
    """All of it; a figure that does not exist is null. `inputs` is what it takes to do it again."""
    return {
        "policies": {label: _of_policy(exhibit) for label, exhibit in exhibits.items()},
        "inputs": {
            "workload": workload.name,
            "source": plan.source.name,
            "synthetic": workload.is_synthetic,
            "requests": workload.size,
            "remarks": list(workload.remarks),
            "seed": plan.source.seed,
            "dials": list(plan.source.dials),
            "engine": plan.profile().model_dump(),
            "engines": plan.engines,
            "settings": {
                **asdict(plan.settings),
                "faults": [str(fault) for fault in plan.settings.faults],
            },
            "policies": {asked.label: composed(asked.policy()) for asked in plan.policies},
            "version": evenhand.__version__,
        },
    }


def write_document(file: Path, content: Mapping[str, Any]) -> None:
    """Whole or not at all. Raises SimulateError: it cannot be written."""
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    write_whole(file, text, option="--json")


def write_whole(file: Path, content: bytes, *, option: str) -> None:
    """The file, or none of it. Raises SimulateError."""
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(file)
    except OSError as error:
        message = f"{file} cannot be written ({error.strerror}); check the folder and its mode"
        raise SimulateError(option, message) from error


def composed(policy: Policy) -> dict[str, Any]:
    """What a policy is made of."""
    seams = ("admission", "order", "queue", "placement", "prediction", "cost")
    return {
        "preset": policy.name,
        "fair": policy.is_fair,
        "parts": {seam: getattr(policy, seam).name for seam in seams},
        "settings": policy.values(),
    }


def _of_policy(exhibit: Exhibit) -> dict[str, Any]:
    return {
        **asdict(exhibit.figures),
        "over_time": {"at_s": exhibit.at_s, "jain": exhibit.jain},
        "queue": asdict(exhibit.series),
    }
