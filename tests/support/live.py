"""A live configuration over a real scheduler, without listeners: what plans and applies is ours.

house = LiveHouse(tmp_path, configuration(...))
await house.live.change([(place_of("tenants[a].weight"), 3)], asked())
"""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from evenhand.cli.composition import scheduler_settings
from evenhand.cli.config import Config, Lines, read
from evenhand.cli.live.keeping import Keeping, KeptInMemory
from evenhand.cli.live.live_configuration import Asked, LiveConfiguration
from evenhand.cli.live.override import Overlaid
from evenhand.cli.live.participant import Participant
from evenhand.cli.live.tenants import Tenants
from evenhand.scheduling import Scheduler
from evenhand.telemetry import RequestLog
from support.on_loop import run_on_loop

Test = Callable[[Path], Coroutine[Any, Any, None]]


def on_loop(test: Test) -> Callable[[Path], None]:
    """The test, run to its end on a loop of its own."""

    @wraps(test)
    def run(tmp_path: Path) -> None:
        run_on_loop(lambda: test(tmp_path))

    return run


def asked(**more: Any) -> Asked:
    return Asked(**{"who": "ada", "what": "test", **more})


class LiveHouse:
    """`write` changes the file, `live` is the configuration in force, `scheduler` what it governs."""

    def __init__(
        self,
        folder: Path,
        data: Mapping[str, Any],
        *,
        more: Sequence[Participant] = (),
        keeping: Keeping | None = None,
    ) -> None:
        self.file = folder / "evenhand.yaml"
        self.write(data)
        config = read(self.file).config
        self.scheduler = Scheduler(scheduler_settings(config))
        self.lines: list[bytes] = []
        self.now_ms = 1_700_000_000_000
        self.looked_for: list[Config] = []
        self.settled: list[bool] = []
        self.live = LiveConfiguration(
            Overlaid(config, config),
            read=lambda: read(self.file),
            outside=self,
            keeping=keeping or KeptInMemory(),
            log=RequestLog(self.lines.append),
            now_ms=lambda: self.now_ms,
        )
        self.live.participants += [Tenants(self.scheduler, None), *more]

    def write(self, data: Mapping[str, Any]) -> None:
        self.file.write_text(json.dumps(data))

    def weights(self) -> dict[str, int]:
        """Of all tenants that stay, as the scheduler has them."""
        nodes = self.scheduler.tree.nodes()
        return {
            "/".join(node.path): node.weight
            for node in nodes
            if node.path and not any(above.is_leaving for above in node.lineage)
        }

    # What the configuration refers to outside itself: here, nothing.

    def look(self, config: Config, lines: Lines) -> None:
        del lines
        self.looked_for.append(config)

    def settle(self, *, is_applied: bool) -> None:
        self.settled.append(is_applied)
