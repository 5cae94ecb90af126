"""What the demo is played on: one engine for all phases, and a gateway for each."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.config import Policy
from evenhand.cli.demo.gateway_process import EngineBehind, gateway_process
from evenhand.cli.demo.options import DemoError, DemoOptions
from evenhand.cli.demo.run import StartGateway
from evenhand.engines.embedded import EmbeddedEngine, EmbeddedEngineError, EmbeddedSettings


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
    """Start the embedded engine, or take the user's, for all phases; stop it at the end.

    `keys` are the API keys that the gateways must know, by tenant. Raises DemoError.
    """
    if options.engine_url is not None:
        assert options.model is not None
        engine = EngineBehind(
            url=options.engine_url,
            kind="openai",
            model=options.model,
            window=options.engine_window,
        )
        yield _stage(options, engine, keys, about=_about_url(engine))
        return
    settings = EmbeddedSettings(model_file=Path(options.model) if options.model else None)
    embedded = EmbeddedEngine(settings, on_change=lambda _is_up: None)
    try:
        await embedded.start()
        engine = EngineBehind(
            url=embedded.url, kind="llamacpp", model="demo", window=settings.slots
        )
        yield _stage(options, engine, keys, about=_about(settings))
    except EmbeddedEngineError as error:
        raise DemoError(str(error)) from None
    finally:
        await embedded.stop()


def _stage(
    options: DemoOptions, engine: EngineBehind, keys: Mapping[str, str], *, about: str
) -> Stage:
    def gateway_for_phase(preset: str) -> AbstractAsyncContextManager[str]:
        asked = preset == options.policy
        policy = options.policy_section if asked else Policy(preset=preset)
        return gateway_process(engine, policy=policy, keys=keys)

    return Stage(model=engine.model, about=about, gateway_for_phase=gateway_for_phase)


def _about_url(engine: EngineBehind) -> str:
    return (
        f"Engine: {engine.model} at {engine.url}, {engine.window} requests at a time (--window N)."
    )


def _about(settings: EmbeddedSettings) -> str:
    if settings.model_file:
        what = settings.model_file.name
    else:
        what = "random weights (they speak noise, their timing is real)"
    return f"Engine: llama.cpp with {what}, {settings.slots} requests at a time."
