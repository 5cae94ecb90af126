"""`evenhand keys` for tests: as a process of its own, or quickly in this one."""

import asyncio
import contextlib
import json
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from evenhand.cli.keys import app
from support.serve import configuration, end, spawn


@dataclass(frozen=True)
class Ran:
    """What a command did. `key` is what it printed on standard output."""

    code: int
    stdout: str
    stderr: str

    @property
    def key(self) -> str:
        (line,) = self.stdout.splitlines()
        return line

    @property
    def key_id(self) -> str:
        """What its words on standard error begin with."""
        return self.stderr.split(" ", 1)[0]


class Keys:
    """The commands on one configuration file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "evenhand.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def configure(self, *engines: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A configuration with a state folder and no keys; written, and given back for `serving`."""
        config = configuration(*engines, keys=[], state={"folder": "state"}) | more
        self.file.write_text(json.dumps(config))
        return config

    async def run(self, *words: str, stdin: str | None = None) -> Ran:
        """As a process of its own."""
        process = await spawn(
            "keys", *words, "--config", str(self.file), stdin=DEVNULL if stdin is None else PIPE
        )
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate(stdin.encode() if stdin is not None else None)
        finally:
            await end(process)
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    async def quick(self, *words: str, stdin: str | None = None) -> Ran:
        """In a thread of this process: for loops. One at a time."""
        arguments = [*words, "--config", str(self.file)]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    async def create(self, *words: str) -> Ran:
        """`quick`, and it must work."""
        ran = await self.quick("create", *words)
        assert ran.code == 0, ran.stderr
        return ran

    async def listed(self, *words: str) -> list[dict[str, Any]]:
        """What `list --json` shows."""
        ran = await self.quick("list", "--json", *words)
        assert ran.code == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def bytes_of_state(self) -> bytes:
        """All that lies in the state folder."""
        found = b""
        for file in sorted(self.state.iterdir()):
            with contextlib.suppress(OSError):  # a socket is not read
                found += file.read_bytes()
        return found
