"""Places and differences: every change can be told, and what is told is the change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.cli.config import Config
from evenhand.cli.live.difference import ABSENT, differences
from evenhand.cli.live.patch import MisfitError, patched
from evenhand.cli.live.place import Item, place_of, text_of

_NAMES = st.sampled_from(["a", "b", "c", "d.e", "f-1"])
_WEIGHTS = st.integers(1, 50)
_TENANTS = st.recursive(
    st.dictionaries(_NAMES, _WEIGHTS, min_size=1, max_size=3),
    lambda below: st.dictionaries(_NAMES, st.tuples(_WEIGHTS, below), min_size=1, max_size=3),
    max_leaves=8,
)
_LANES = st.lists(_NAMES, unique=True, min_size=1, max_size=4)


def _items(tree: object) -> list[dict[str, object]]:
    assert isinstance(tree, dict)
    found = []
    for name, value in tree.items():
        weight, below = value if isinstance(value, tuple) else (value, {})
        found.append({"name": name, "weight": weight, "children": _items(below)})
    return found


@st.composite
def configs(draw: st.DrawFn) -> Config:
    lanes = [{"name": name, "ceiling_percent": draw(st.integers(1, 100))} for name in draw(_LANES)]
    presets = st.sampled_from(["vtc", "drr", "fcfs"])
    return Config.model_validate(
        {
            "tenants": _items(draw(_TENANTS)),
            "lanes": lanes,
            "policy": {"preset": draw(presets)},
            "limits": {"queue_requests_max": draw(st.integers(1, 9))},
            "keys": [{"key": "env:K", "tenant": draw(_NAMES)}],
            "aliases": draw(st.dictionaries(_NAMES, st.just("m"), max_size=2)),
        }
    )


@given(configs(), configs())
def test_what_is_told_of_two_configurations_makes_one_of_the_other(
    old: Config, new: Config
) -> None:
    found = differences(old, new)
    again = patched(old, [(one.place, one.after) for one in found])
    assert not differences(again, new)
    assert [one.place for one in found if place_of(text_of(one.place)) != one.place] == []


@given(configs())
def test_a_configuration_does_not_differ_from_itself(config: Config) -> None:
    assert not differences(config, Config.model_validate(config.model_dump(mode="json")))


@pytest.mark.parametrize(
    "text",
    ["", ".a", "[a]", "a..b", "a[", "a[]", "a]b", "A", "a b", "tenants[a]x y", "a." + "b" * 2_000],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a place is written like"):
        place_of(text)


def test_items_may_be_called_as_keys_and_models_are() -> None:
    place = ("keys", Item("file:/run/secrets/a.key"), "limits", "tokens_max")
    assert text_of(place) == "keys[file:/run/secrets/a.key].limits.tokens_max"
    assert place_of(text_of(place)) == place


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("tenants[a].weight", 0, "must be a whole number from 1 to 10000, not 0"),
        ("tenants[a].wight", 1, "there is no wight in a configuration"),
        ("tenants[z].weight", 1, "there is no z in tenants"),
        ("tenants[a]", {"name": "b"}, "the value is not called a, as its place says"),
        ("tenants.order", 3, "an order is a list of names"),
        ("policy.preset", "drr", "policy has no members that are set alone"),
        ("mode", ABSENT, "only items of lists can be taken out"),
        ("limits.drain_s.x", 1, "drain_s has no members that are set alone"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(text: str, value: object, words: str) -> None:
    config = Config.model_validate({"tenants": [{"name": "a"}]})
    with pytest.raises(MisfitError, match=words):
        patched(config, [(place_of(text), value)])
