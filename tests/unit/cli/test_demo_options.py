"""Bad options are refused before anything is started, with a way out."""

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from evenhand.cli.demo.command import demo
from evenhand.cli.demo.options import DemoError, DemoOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 0}, "--seconds must be from 1 to 600, not 0"),
        ({"seconds": 601}, "not 601"),
        ({"seconds": float("nan")}, "not nan"),
        ({"policy": "fair"}, "there is no --policy fair; choose vtc"),
        ({"policy": "fcfs"}, "what the demo compares with; choose vtc"),
        ({"engine_url": "http://127.0.0.1:8000"}, "--engine needs --model M"),
        ({"engine_url": "127.0.0.1:8000", "model": "m"}, "--engine: write the engine URL"),
        ({"model": "no/such.gguf"}, "name a GGUF file"),
        ({"json_file": Path("no/such/folder/x.json")}, "cannot be written"),
        ({"json_file": Path()}, "is a folder"),
    ],
)
def test_a_bad_option_is_refused_with_what_to_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DemoError) as refusal:
        DemoOptions(**options)
    assert message in str(refusal.value)


def test_checking_the_json_file_leaves_nothing_behind(tmp_path: Path) -> None:
    DemoOptions(json_file=tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_bad_options_as_wrong_usage() -> None:
    app = typer.Typer()
    app.command()(demo)
    answer = CliRunner().invoke(app, ["--seconds", "0"])
    assert answer.exit_code == 2
    assert "--seconds must be from 1" in answer.output
