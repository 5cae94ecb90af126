"""Everything that `evenhand serve` puts together, in this process, so that a test can see its parts."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evenhand.cli import gateway_parts
from evenhand.cli.admin_desk import AdminParts, admin_pages
from evenhand.cli.config import look_outside, read
from evenhand.cli.config.asked_policy import NOT_ASKED
from evenhand.cli.live.beginning import Beginning
from evenhand.cli.serving import Serving
from evenhand.gateway.admin import Page
from evenhand.gateway.server import Bound
from evenhand.telemetry import RequestLog
from support.serve import SECRETS


@dataclass
class Whole:
    bound: Bound
    parts: AdminParts
    pages: list[Page]
    """All that the admin listener has."""
    lines: list[bytes]
    """The log."""


@asynccontextmanager
async def whole_gateway(
    config: dict[str, Any], folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Whole]:
    """Serves for the length of the block."""
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SECRETS, **(environment or {})}.items():
            patch.setenv(name, value)
        seen: list[tuple[AdminParts, list[Page]]] = []

        def watched(parts: AdminParts) -> list[Page]:
            """Watches, changes nothing."""
            pages = admin_pages(parts)
            seen.append((parts, pages))
            return pages

        patch.setattr(gateway_parts, "admin_pages", watched)
        loaded = read(file, NOT_ASKED)
        begun = Beginning(loaded, look_outside(loaded, os.environ), file, NOT_ASKED)
        lines: list[bytes] = []
        serving = Serving(begun, file, RequestLog(lines.append), None)
        try:
            server, _ = await serving.open()
            bound = await server.start()
            ((parts, pages),) = seen
            try:
                yield Whole(bound, parts, pages, lines)
            finally:
                await server.drain()
        finally:
            await serving.close()
