"""What the demo is played on: one engine for all phases, and a gateway of its own for each."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.demo.gateway_process import DemoEngine, gateway_process
from evenhand.cli.demo.options import DemoError, DemoOptions
from evenhand.cli.demo.run import StartGateway
from evenhand.engines.embedded import EmbeddedEngine, EmbeddedEngineError, EmbeddedSettings

_SLOTS = 4
_WINDOW_OF_A_URL = 16


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
    if options.engine_url is not None:
        assert options.model is not None
        engine = DemoEngine(
            kind="openai",
            url=options.engine_url,
            model=options.model,
            window=_WINDOW_OF_A_URL,
        )
        about = f"Engine: {options.model} at {options.engine_url}, {_WINDOW_OF_A_URL} in flight."
        yield _stage(engine, about, keys)
        return
    model_file = Path(options.model) if options.model else None
    embedded = EmbeddedEngine(
        EmbeddedSettings(model_file=model_file, slots=_SLOTS), on_change=lambda _: None
    )
    try:
        try:
            await embedded.start()
        except EmbeddedEngineError as error:
            raise DemoError(str(error)) from None
        engine = DemoEngine(kind="llamacpp", url=embedded.url, model="demo", window=_SLOTS)
        yield _stage(engine, _about_embedded(model_file), keys)
    finally:
        await embedded.stop()


def _stage(engine: DemoEngine, about: str, keys: Mapping[str, str]) -> Stage:
    return Stage(
        model=engine.model,
        about=about,
        gateway_for_phase=lambda preset: gateway_process(preset, engine, keys),
    )


def _about_embedded(model_file: Path | None) -> str:
    engine = f"Engine: llama.cpp in a process of its own, {_SLOTS} slots, on this machine's CPU"
    if model_file is not None:
        return f"{engine}, running {model_file.name}."
    return f"{engine}. Its weights are random: the words are noise, the timing is real."
