"""Bad options are refused before anything is started, with a way out."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from evenhand.cli.demo.command import demo
from evenhand.cli.demo.options import DemoError, DemoOptions
from evenhand.cli.demo.stage import open_stage
from evenhand.scheduling import PRESETS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 0}, "--seconds must be from 1 to 600, not 0"),
        ({"seconds": 601}, "not 601"),
        ({"seconds": float("nan")}, "not nan"),
        ({"policy": "vtcc"}, "--policy: must be a policy of `evenhand policies`"),
        ({"policy": "vtcc"}, "did you mean vtc?"),
        ({"changes": ("prediction=oracle",)}, "--set prediction: "),
        ({"changes": ("half_life_s=3",)}, "--set half_life_s: belongs to order least-attained"),
        ({"policy": "las", "changes": ("half_life_s=0",)}, "from 1 to 86400, not 0"),
        ({"changes": ("prediction",)}, "--set: must be KEY=VALUE"),
        ({"engine_url": "http://127.0.0.1:8000"}, "--engine needs --model M"),
        ({"engine_url": "127.0.0.1:8000", "model": "m"}, "--engine: write the engine URL"),
        ({"window": 4}, "name it with --engine URL, or leave --window away"),
        ({"engine_url": "http://h", "model": "m", "window": 0}, "from 1 to 1024, not 0"),
        ({"engine_url": "http://h", "model": "m", "window": 1025}, "not 1025"),
        ({"model": "no/such.gguf"}, "name a GGUF file"),
        ({"json_file": Path("no/such/folder/x.json")}, "cannot be written"),
        ({"json_file": Path()}, "is a folder"),
    ],
)
def test_a_bad_option_is_refused_with_what_to_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DemoError) as refusal:
        DemoOptions(**options)
    assert message in str(refusal.value)


def test_an_engine_of_the_users_has_a_window_of_four_unless_told() -> None:
    assert DemoOptions(engine_url="http://h", model="m").engine_window == 4
    assert DemoOptions(engine_url="http://h", model="m", window=32).engine_window == 32


def test_the_about_line_names_the_window_and_its_option() -> None:
    async def main() -> None:
        options = DemoOptions(engine_url="http://h", model="m", window=32)
        async with open_stage(options, {}) as stage:
            assert "m at http://h, 32 requests at a time (--window N)" in stage.about

    asyncio.run(main())


def test_policies_with_rounds_get_short_ones_unless_told_or_on_an_engine_of_the_users() -> None:
    for preset, policy in PRESETS.items():
        options = DemoOptions(policy=preset)
        has_rounds = "quantum_tokens" in policy.values()
        assert (options.short_rounds == "quantum_tokens=600") == has_rounds
        if has_rounds:
            assert options.policy_section.settings["quantum_tokens"] == 600
            told = DemoOptions(policy=preset, changes=("quantum_tokens=5000",))
            assert told.policy_section.settings["quantum_tokens"] == 5000
            theirs = DemoOptions(policy=preset, engine_url="http://h", model="m")
            assert theirs.policy_section.settings["quantum_tokens"] == 4000


def test_checking_the_json_file_leaves_nothing_behind(tmp_path: Path) -> None:
    DemoOptions(json_file=tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_bad_options_as_wrong_usage() -> None:
    app = typer.Typer()
    app.command()(demo)
    answer = CliRunner().invoke(app, ["--seconds", "0"])
    assert answer.exit_code == 2
    assert "--seconds must be from 1" in answer.output
