"""Commands that are imported when somebody asks for them: a gateway need not load a simulator."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

SIMULATOR = {
    "simulate": "simulate.command:simulate",
    "workloads": "workloads.command:workloads",
    "profiles": "profiles.command:profiles",
    "compare": "compare.command:compare",
    "replay": "replay:replay",
    "golden": "golden:app",
    "calibrate": "calibrate.command:calibrate",
    "paper": "paper.command:paper",
}
"""Where in this room each is."""

_HIDDEN = {"docs": "docs:docs"}


class DeferredCommands(TyperGroup):
    """The commands of the application, and after them those of the simulator."""

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order of the help."""
        own = [name for name in super().list_commands(ctx) if name not in SIMULATOR]
        return [*own, *SIMULATOR]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported at its first use; None: there is none of that name."""
        place = {**SIMULATOR, **_HIDDEN}.get(cmd_name)
        if place is not None and cmd_name not in self.commands:
            module, name = place.split(":")
            found = getattr(import_module(f"evenhand.cli.{module}"), name)
            command = get_command(found if isinstance(found, typer.Typer) else _alone(found))
            command.name, command.hidden = cmd_name, cmd_name in _HIDDEN
            self.commands[cmd_name] = command
        return super().get_command(ctx, cmd_name)


def _alone(function: Any) -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(function)
    return app
