"""The section `policy`, and what the command line puts in its place: taken, or refused with the fix."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from evenhand.cli.composition import policy_settings
from evenhand.cli.config import Config, ConfigurationError, Policy, chosen, effective, load
from evenhand.cli.config.policy_choice import choose
from evenhand.cli.config.published import json_schema
from evenhand.cli.config.seams import ALL_SEAMS, SEAMS, parameters
from evenhand.cli.main import app
from evenhand.scheduling import PRESETS, TokenWeights
from evenhand.scheduling.order.round import quantum_tokens_min
from evenhand.wire.prefix_text import PREFIX_BYTES_MAX
from support.third_party import declare, install

SOUND = {
    "engines": [{"name": "local", "kind": "embedded", "models": ["tiny"]}],
    "tenants": [{"name": "acme"}],
    "keys": [{"key": "env:CHAT_KEY", "tenant": "acme"}],
}
BUILT_IN_ONLY = [name for name in PRESETS if PRESETS[name].prediction.name != "oracle"]


def written(folder: Path, policy: object, **more: Any) -> Path:
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps({**SOUND, "policy": policy, **more}))
    return file


def config_of(folder: Path, policy: object, **more: Any) -> Config:
    return load(written(folder, policy, **more))


def refusal(folder: Path, policy: object, **more: Any) -> tuple[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        config_of(folder, policy, **more)
    (problem,) = caught.value.problems
    return problem.where, problem.message


@pytest.mark.parametrize("preset", BUILT_IN_ONLY)
def test_every_preset_is_taken_as_it_is(tmp_path: Path, preset: str) -> None:
    config = config_of(tmp_path, {"preset": preset})
    policy = policy_settings(config).policy
    assert policy.values() == PRESETS[preset].values()
    assert policy.parts() == PRESETS[preset].parts()


@pytest.mark.parametrize("preset", BUILT_IN_ONLY)
def test_the_effective_policy_is_written_out_and_loads_to_the_same(
    tmp_path: Path, preset: str
) -> None:
    config = config_of(tmp_path, {"preset": preset})
    told = yaml.safe_load(effective(config))["policy"]
    assert told["settings"] == PRESETS[preset].values()
    assert all(told[seam] == getattr(PRESETS[preset], seam).name for seam in SEAMS)
    assert config_of(tmp_path, told) == config


@pytest.mark.parametrize("seam", SEAMS)
def test_every_part_can_be_chosen_by_name(tmp_path: Path, seam: str) -> None:
    for name, part in SEAMS[seam].items():
        if name != "oracle":
            config = config_of(tmp_path, {"preset": "vtc", seam: name})
            assert getattr(chosen(config.policy), seam) is part


def every_parameter() -> list[tuple[str, str, int, int]]:
    return [
        (preset, parameter.name, parameter.minimum, parameter.maximum)
        for preset in BUILT_IN_ONLY
        for parameter in PRESETS[preset].parameters()
    ]


@pytest.mark.parametrize(("preset", "name", "low", "high"), every_parameter())
def test_every_parameter_is_taken_in_its_range_and_refused_outside(
    preset: str, name: str, low: int, high: int
) -> None:
    for value in (low, high):
        policy, findings = choose(Policy(preset=preset, settings={name: value}))
        assert not findings
        assert policy is not None
        assert policy.values()[name] == value
    for value in [high + 1] if low == 0 else [low - 1, high + 1]:
        policy, findings = choose(Policy(preset=preset, settings={name: value}))
        assert policy is None
        assert findings == [
            (
                ("policy", "settings", name),
                f"must be a whole number from {low} to {high}, not {value}",
            )
        ]


@pytest.mark.parametrize(
    ("policy", "where", "words"),
    [
        ({"preset": "vtcc"}, "policy.preset", "did you mean vtc?"),
        ({"preset": "canary-canary-canary"}, "policy.preset", "not a text of 20 characters"),
        ({"preset": "a b"}, "policy.preset", "must be a policy: fcfs,"),
        ({"preset": 7}, "policy.preset", "must be a policy: fcfs,"),
        ({"queue": "fifa"}, "policy.queue", "did you mean fifo?"),
        ({"placement": "least-fild"}, "policy.placement", "did you mean least-filled?"),
        ({"admission": "nine"}, "policy.admission", "did you mean none?"),
        ({"prediction": "running"}, "policy.prediction", "did you mean running-mean?"),
        ({"prediction": []}, "policy.prediction", "or null, not a list of 0"),
        ({"cost": "weighted"}, "policy.cost", "did you mean weighted-tokens?"),
        ({"order": "anyone"}, "policy.order", "unknown key"),
        ({"half_life_s": 60}, "policy.half_life_s", "write it under `settings:`"),
        ({"settings": {"half_life_s": 60}}, "policy.settings.half_life_s", "or choose las"),
        (
            {"preset": "las", "settings": {"half_life": 60}},
            "policy.settings.half_life",
            "did you mean half_life_s?",
        ),
        ({"settings": {"nothing_s": 6}}, "policy.settings.nothing_s", "vtc has no parameters"),
        (
            {"preset": "las", "settings": {"half_life_s": 0}},
            "policy.settings.half_life_s",
            "must be a whole number from 1 to 86400, not 0",
        ),
        (
            {"preset": "las", "settings": {"half_life_s": "6"}},
            "policy.settings.half_life_s",
            "must be a whole number from 1 to 86400, not the text '6'",
        ),
        (
            {"preset": "las", "settings": {"half_life_s": -1}},
            "policy.settings.half_life_s",
            "must be a whole number from 1 to 86400, not -1",
        ),
        ({"settings": {"canary-canary canary": 1}}, "policy.settings....", "unknown parameter"),
        ({"settings": {"other_s": "x"}}, "policy.settings.other_s", "must be a whole number"),
        ({"settings": [1]}, "policy.settings", "must be a mapping"),
    ],
)
def test_what_does_not_exist_or_does_not_fit_is_refused_with_the_fix(
    tmp_path: Path, policy: object, where: str, words: str
) -> None:
    place, message = refusal(tmp_path, policy)
    assert place == where
    assert words in message
    assert "canary-canary" not in message


@pytest.mark.skipif("oracle" not in SEAMS["prediction"], reason="there is no oracle")
def test_a_gateway_has_no_oracle(tmp_path: Path) -> None:
    place, message = refusal(tmp_path, {"prediction": "oracle"})
    assert place == "policy.prediction"
    assert "only a simulator knows" in message
    assert "running-mean" in message


def quanta() -> list[tuple[str, str]]:
    return [
        (preset, parameter.name)
        for preset in BUILT_IN_ONLY
        for parameter in PRESETS[preset].parameters()
        if parameter.name.startswith("quantum_")
    ]


@pytest.mark.parametrize(("preset", "name"), quanta())
def test_a_quantum_below_one_request_is_refused(tmp_path: Path, preset: str, name: str) -> None:
    place, message = refusal(tmp_path, {"preset": preset, "settings": {name: 1}})
    assert place == f"policy.settings.{name}"
    assert "no turn would let it through" in message or "must be a whole number" in message


def test_the_least_quantum_is_told_and_taken(tmp_path: Path) -> None:
    least = quantum_tokens_min(TokenWeights(), 256)
    below = {"preset": "dlpm", "settings": {"quantum_tokens": least - 1}}
    assert refusal(tmp_path, below)[1].endswith(f"write {least} or more")
    config_of(tmp_path, {"preset": "dlpm", "settings": {"quantum_tokens": least}})


@pytest.mark.parametrize("preset", BUILT_IN_ONLY)
def test_a_body_and_the_text_compared_of_it_must_fit_the_tenants_queue(
    tmp_path: Path, preset: str
) -> None:
    limits = {"body_bytes_max": 1 << 20, "tenant_queue_bytes_max": (1 << 20) + 1_000}
    if not PRESETS[preset].reads_prefix:
        config_of(tmp_path, {"preset": preset}, limits=limits)
        return
    place, message = refusal(tmp_path, {"preset": preset}, limits=limits)
    assert place == "limits.body_bytes_max"
    assert "lower it or raise tenant_queue_bytes_max" in message
    limits["tenant_queue_bytes_max"] += PREFIX_BYTES_MAX
    config_of(tmp_path, {"preset": preset}, limits=limits)


def test_what_applications_are_expected_to_use_is_handed_on(tmp_path: Path) -> None:
    applications = [{"name": "default", "expected_units": 12_000}]
    config = config_of(tmp_path, {"preset": "wsc"}, applications=applications)
    assert policy_settings(config).application_units == {"default": 12_000}
    told = yaml.safe_load(effective(config))["applications"]
    assert told == applications


@pytest.mark.parametrize("preset", BUILT_IN_ONLY)
def test_what_no_policy_reads_of_applications_is_refused(tmp_path: Path, preset: str) -> None:
    applications = [{"name": "default", "expected_units": 1}]
    if PRESETS[preset].cost.name == "per-application":
        config_of(tmp_path, {"preset": preset}, applications=applications)
        return
    place, message = refusal(tmp_path, {"preset": preset}, applications=applications)
    assert place == "applications"
    assert "remove the section, or choose wsc or fairserve" in message
    config_of(tmp_path, {"preset": preset, "cost": "per-application"}, applications=applications)


@pytest.mark.parametrize(
    ("applications", "where", "words"),
    [
        ([{"name": "defualt", "expected_units": 1}], "[0].name", "did you mean default?"),
        ([{"name": "default", "expected_units": 0}], "[0].expected_units", "whole number from 1"),
        ([{"name": "default", "expected_units": 1.5}], "[0].expected_units", "whole number from 1"),
        ([{"name": "default"}], "[0].expected_units", "missing"),
        ([{"name": "default", "expected_units": 1}] * 2, "[1].name", "rename one"),
    ],
    ids=["unknown", "zero", "broken", "missing", "twice"],
)
def test_applications_that_make_no_sense_are_explained(
    tmp_path: Path, applications: Any, where: str, words: str
) -> None:
    place, message = refusal(tmp_path, {"preset": "wsc"}, applications=applications)
    assert place == f"applications{where}"
    assert words in message
    stored: Any = {"state": {"folder": str(tmp_path / "state")}}
    if words.startswith("did you"):
        # A key of the state database may be of it.
        config_of(tmp_path, {"preset": "wsc"}, applications=applications, **stored)


def test_the_schema_offers_every_parameter_with_its_range() -> None:
    offered = json_schema()["$defs"]["Policy"]["properties"]["settings"]["properties"]
    assert set(offered) == set(parameters())
    for uses in parameters().values():
        for owner, parameter in uses:
            node = offered[parameter.name]
            assert node["minimum"] <= parameter.default <= node["maximum"]
            assert owner in node["description"]


def test_names_of_parameters_end_in_a_unit_or_count_something() -> None:
    for name in parameters():
        assert "_" in name, f"{name} says no unit"


# On the command line.


def check(file: Path, *words: str) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["check", "--no-secrets", str(file), *words])
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_command_line_stands_in_place_of_the_files_section(tmp_path: Path) -> None:
    file = written(tmp_path, {"preset": "las", "settings": {"half_life_s": 5}})
    code, told, _ = check(file, "--set", "half_life_s=7", "--set", "prediction=none")
    assert code == 0
    policy = yaml.safe_load(told)["policy"]
    assert (policy["preset"], policy["prediction"]) == ("las", "none")
    assert policy["settings"] == {"half_life_s": 7}
    code, told, _ = check(file, "--policy", "vtc")
    assert code == 0
    policy = yaml.safe_load(told)["policy"]
    assert (policy["preset"], policy["settings"]) == ("vtc", {})


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--policy", "vtcc"), "--policy: must be a policy of `evenhand policies`"),
        (("--set", "half_life_s"), "--set: must be KEY=VALUE, such as prediction=none"),
        (("--set", "=5"), "--set: must be KEY=VALUE"),
        (("--set", "prediction=x"), "--set prediction: there is no such prediction;"),
        (("--set", "half_life_s=5"), "--set half_life_s: belongs to order least-attained"),
        (("--set", "half_life_s=x"), "--set half_life_s: must be a whole number from 1 to 86400"),
        (("--set", "queue=fifo", "--set", "queue=fifo"), "--set queue: is given twice"),
        (("--policy", "las", "--set", "half_life_s=0"), "--set half_life_s: must be a whole"),
    ],
)
def test_the_command_line_is_refused_as_the_file_is(
    tmp_path: Path, words: tuple[str, ...], problem: str
) -> None:
    file = written(tmp_path, {"preset": "vtc"})
    code, told, errors = check(file, *words)
    assert code == 1
    assert not told
    assert errors.splitlines()[0].startswith(f"{file}: {problem}")


# Policies of other packages. Each test has names of its own: what was imported stays so.

GOOD = """\
from dataclasses import replace
from evenhand.scheduling import PRESETS
POLICY = replace(PRESETS["vtc"], name="{name}")
"""

NAMESAKE = """\
from dataclasses import replace
from evenhand.scheduling import PRESETS
from evenhand.scheduling.queue.built_in import QUEUES
MINE = replace(QUEUES["fifo"], summary="mine")
POLICY = replace(PRESETS["vtc"], name="namesake", queue=MINE)
"""


def test_an_installed_policy_is_loaded_when_it_is_named_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "good-policy", "good", GOOD.format(name="good"))
    install(tmp_path, "bad-policy", "explodes", "raise ValueError('out of order')")
    policy = policy_settings(config_of(tmp_path, {"preset": "good"})).policy
    assert policy.name == "good"
    where, message = refusal(tmp_path, {"preset": "explodes"})
    assert where == "policy.preset"
    assert "bad-policy offers it as bad_policy:POLICY, which cannot be imported" in message
    assert "ValueError: out of order" in message


@pytest.mark.parametrize(
    ("package", "name", "text", "words"),
    [
        ("no-policy", "nope", "POLICY = 7", "is a int and must be an evenhand.scheduling.Policy"),
        ("no-attribute", "noat", "OTHER = 7", "AttributeError"),
        ("misnamed", "nick", GOOD.format(name="real"), "calls itself real: name the entry point"),
        ("usurper", "vtc", GOOD.format(name="vtc"), "vtc is a preset, and usurper offers another"),
        (
            "namesake",
            "namesake",
            NAMESAKE,
            "a part of its own with the name of a built-in one (queue fifo): rename it",
        ),
        (
            "unspeakable",
            "namesake",
            NAMESAKE.replace('summary="mine"', 'name="my own"'),
            "has a queue that no file could name ('my own')",
        ),
        (
            "rangeless",
            "namesake",
            NAMESAKE.replace('summary="mine"', 'name="mine", parameters=(BELOW,)').replace(
                "MINE",
                "from evenhand.scheduling.parts import Parameter\n"
                'BELOW = Parameter(name="x_s", meaning="m", default=0, minimum=-1, maximum=1)\nMINE',
                1,
            ),
            "has a parameter whose range is none (x_s)",
        ),
    ],
)
def test_an_installed_policy_that_is_none_is_explained(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    name: str,
    text: str,
    words: str,
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, package, name, text)
    where, message = refusal(tmp_path, {"preset": name})
    assert where == "policy.preset"
    assert words in message


def test_two_packages_with_one_name_are_both_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    declare(tmp_path, "first-of-two", {"twofold": "one:POLICY"})
    declare(tmp_path, "second-of-two", {"twofold": "two:POLICY"})
    _, message = refusal(tmp_path, {"preset": "twofold"})
    assert "offer twofold: uninstall all but one" in message
    assert "first-of-two" in message
    assert "second-of-two" in message


def test_no_two_built_in_parts_of_a_seam_are_one() -> None:
    for parts in ALL_SEAMS.values():
        assert all(part.name == name for name, part in parts.items())
