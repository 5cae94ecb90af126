"""A workload as plain data: what it is, its dials, and the figures of what it sends."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evenhand.workloads.dials import dial_values
from evenhand.workloads.figures import SAMPLE_MAX, Figures, figures
from evenhand.workloads.workload import Dial, Workload, WorkloadRecipe


def in_brief(recipe: WorkloadRecipe) -> dict[str, Any]:
    """A line's worth."""
    return {
        "name": recipe.name,
        "summary": recipe.summary,
        "source": recipe.source,
        "synthetic": recipe.is_synthetic,
        "dials": {dial.name: dial.default for dial in recipe.dials},
    }


def portrait(recipe: WorkloadRecipe, settings: list[str], seed: int) -> dict[str, Any]:
    """All of it, made with these settings. ValueError: one of them makes no sense."""
    values = dial_values(recipe, settings)
    workload = recipe.make(seed, values)
    return {
        **in_brief(recipe),
        "seed": seed,
        "dials": [_dial(dial, values) for dial in recipe.dials],
        "size": workload.size,
        "lanes": {lane.name: {"ttft_ms_target": lane.ttft_ms_target} for lane in workload.lanes},
        "figures": {**asdict(sample(workload)), "of_the_first": min(SAMPLE_MAX, workload.size)},
    }


def sample(workload: Workload) -> Figures:
    """Figures of its beginning; of all of it where that is not long."""
    return figures(workload.asks)


def _dial(dial: Dial, values: Mapping[str, float | int | str]) -> dict[str, Any]:
    span = {"words": list(dial.words)} if dial.words else {"least": dial.least, "most": dial.most}
    return {
        "name": dial.name,
        "meaning": dial.meaning,
        "default": dial.default,
        "value": values.get(dial.name, dial.default),
        **span,
    }


def span_in_words(dial: Dial) -> str:
    """What it can be set to."""
    if dial.words:
        return ", ".join(dial.words)
    return f"{_plain(dial.least)} to {_plain(dial.most)}"


def default_in_words(dial: Dial) -> str:
    """Where it stands."""
    if isinstance(dial.default, str):
        return dial.default
    return _plain(dial.default)


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:g}"
