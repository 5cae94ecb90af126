"""What a simulator needs is not loaded by who only serves."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from evenhand.cli.deferred import SIMULATOR
from evenhand.cli.main import app

LOADED = """
import sys
from evenhand.cli.main import app
try:
    app(["serve", "--help"])
except SystemExit:
    print(sorted({"numpy", "plotly"} & set(sys.modules)))
"""


def test_a_gateway_loads_no_numpy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_lists_every_command() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    for name in ("serve", "keys", "ledger", *SIMULATOR):
        assert f" {name} " in text
    assert " docs " not in text


@pytest.mark.parametrize("command", [*SIMULATOR, "docs"])
def test_a_deferred_command_is_called_by_its_name(command: str) -> None:
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert f"{command} [OPTIONS]" in done.stdout
