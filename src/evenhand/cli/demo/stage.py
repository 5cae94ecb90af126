"""The seam between the demo and what it is played on: an engine, and a gateway for each phase."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from evenhand.cli.demo.options import DemoError, DemoOptions
from evenhand.cli.demo.run import StartGateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a demo needs from outside."""

    model: str
    """The model's name, as clients ask for it."""
    about: str
    """The engine in a line for people."""
    gateway_for_phase: StartGateway


@asynccontextmanager
async def open_stage(options: DemoOptions, keys: Mapping[str, str]) -> AsyncIterator[Stage]:
    """Start the embedded engine, or find the user's, for all phases; stop it at the end.

    `keys` are the API keys that the gateways must know, by tenant. Raises DemoError.
    """
    del options, keys
    raise DemoError("no gateway is wired to the demo; plug it in here")
    yield
