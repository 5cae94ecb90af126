"""docs/simulating.md has a word on every figure and every setting, and on none that there is not."""

import re
from dataclasses import fields
from pathlib import Path

from evenhand.sim.measures.figures import RunFigures, ServedShare, TenantFigures
from evenhand.sim.measures.interactions import InteractionFigures
from evenhand.sim.settings import SETTINGS, SimulationSettings

PAGE = (Path(__file__).parents[3] / "docs" / "simulating.md").read_text()
NAMED = set(re.findall(r"`([a-z_0-9]+)`", PAGE))


def test_every_figure() -> None:
    for kind in (RunFigures, TenantFigures, InteractionFigures, ServedShare):
        names = {field.name for field in fields(kind)} - {"tenants"}
        assert not names - NAMED, kind.__name__


def test_every_setting() -> None:
    assert set(SETTINGS) == {field.name for field in fields(SimulationSettings)} - {"faults"}
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    for name in (*SETTINGS, "fault"):
        assert name in rows
