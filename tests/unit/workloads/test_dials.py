"""Dials: read from words, checked, and refused with what to write instead."""

import re

import pytest

from evenhand.workloads.catalog import WORKLOADS, recipe_named
from evenhand.workloads.dials import dial_values

OVERLOAD = WORKLOADS["vtc/overload"]
TREE = WORKLOADS["dlpm/tree"]


def test_values_are_read_as_their_dial_is_of_kind() -> None:
    values = dial_values(TREE, ["clients=4", "rate=1e-1", "pattern=s2"])
    assert values == {"clients": 4, "rate": 0.1, "pattern": "s2"}
    assert isinstance(values["clients"], int)
    assert isinstance(dial_values(TREE, ["rate=2"])["rate"], float)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clients", "clients: write KEY=VALUE, for instance pattern=s1"),
        ("colour=4", "dlpm/tree has no dial colour; its dials: pattern, clients, programs"),
        ("clients=many", "clients=many: must be a number"),
        ("clients=1.5", "clients=1.5: must be a whole number"),
        ("clients=0", "clients=0: must be a number from 1 to 1000"),
        ("clients=nan", "clients=nan: must be a number from 1 to 1000"),
        ("clients=inf", "clients=inf: must be a number from 1 to 1000"),
        ("rate=-1", "rate=-1: must be a number from 1e-05 to 100000"),
        ("pattern=s3", "pattern=s3: must be one of none, s1, s2"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(told)}"):
        dial_values(TREE, [text])


def test_a_recipe_checks_what_it_is_given_in_code_as_well() -> None:
    with pytest.raises(ValueError, match="no dial colour"):
        OVERLOAD.make(1, {"colour": 1})
    with pytest.raises(ValueError, match="seconds=0: must be"):
        OVERLOAD.make(1, {"seconds": 0})
    with pytest.raises(ValueError, match="seconds=long: must be"):
        OVERLOAD.make(1, {"seconds": "long"})
    with pytest.raises(ValueError, match="seed -1: must be"):
        OVERLOAD.make(-1)


def test_an_unknown_workload_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match="did you mean dlpm/tree"):
        recipe_named("dlpm/three")
    with pytest.raises(ValueError, match="`evenhand workloads` lists them"):
        recipe_named("nothing of this kind at all")


def test_every_default_is_a_value_that_its_dial_takes() -> None:
    for recipe in WORKLOADS.values():
        assert len({dial.name for dial in recipe.dials}) == len(recipe.dials)
        for dial in recipe.dials:
            checked = dial.checked(dial.default)
            assert checked == dial.default
            assert type(checked) is type(dial.default)
