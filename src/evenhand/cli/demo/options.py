"""What may be asked of the demo, checked before anything is started."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from evenhand.cli.config import AskedPolicy, ConfigurationError, Policy, asked_alone, chosen
from evenhand.engines.http import EngineAddress

CONTROL = "fcfs"
"""The preset that the others are compared with."""

_QUANTUM = "quantum_tokens="
_QUANTUM_TOKENS = 600
"""Little more than the least that one request needs."""

_WINDOW_DEFAULT = 4
_WINDOW_MAX = 1024
_SECONDS_MIN, _SECONDS_MAX = 1.0, 600.0


class DemoError(Exception):
    """The demo cannot go on. The message is for a person and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """The command line of `evenhand demo`. Raises DemoError, saying what to change, if it is bad."""

    seconds: float = 45.0
    """Length of each of the three phases."""
    policy: str = "vtc"
    """What is compared with the control."""
    changes: tuple[str, ...] = ()
    """Parts and parameters of it, as `KEY=VALUE`."""
    json_file: Path | None = None
    """Where the figures go; written whole or not at all."""
    engine_url: str | None = None
    """An engine that already runs, without `/v1`; None is the embedded one."""
    model: str | None = None
    """The model's name there; for the embedded engine a GGUF file, None its random weights."""
    window: int | None = None
    """Requests in flight there at most; None: 4. Only with `engine_url`."""
    seed: int = 1
    """Of the traffic."""

    @property
    def policy_section(self) -> Policy:
        """The policy as a gateway's configuration has it."""
        return asked_alone(self._asked)

    @property
    def is_promised(self) -> bool:
        """Whether the policy states a bound, and so must pass the demo's verdict."""
        return chosen(self.policy_section).is_fair

    @property
    def short_rounds(self) -> str | None:
        """What the demo sets so that rounds are short beside its phases: the embedded engine is slow,
        and a quantum that suits a GPU would last for seconds on it. None: the policy has no rounds, or
        the user has chosen, or it is the user's engine."""
        if self.engine_url is not None or any(c.startswith(_QUANTUM) for c in self.changes):
            return None
        asked = asked_alone(AskedPolicy(self.policy, self.changes))
        return f"{_QUANTUM}{_QUANTUM_TOKENS}" if _QUANTUM[:-1] in asked.settings else None

    @property
    def _asked(self) -> AskedPolicy:
        own = self.short_rounds
        return AskedPolicy(self.policy, self.changes if own is None else (*self.changes, own))

    @property
    def engine_window(self) -> int:
        """Requests in flight at most at the engine of `engine_url`."""
        return _WINDOW_DEFAULT if self.window is None else self.window

    def __post_init__(self) -> None:
        if not _SECONDS_MIN <= self.seconds <= _SECONDS_MAX:
            raise DemoError(
                f"--seconds must be from {_SECONDS_MIN:g} to {_SECONDS_MAX:g}, not"
                f" {self.seconds:g}; 45 gives useful figures"
            )
        self._check_policy()
        self._check_engine()
        if self.json_file is not None:
            _check_writable(self.json_file)

    def _check_policy(self) -> None:
        try:
            asked_alone(AskedPolicy(self.policy, self.changes))
        except ConfigurationError as error:
            raise DemoError("; ".join(str(problem) for problem in error.problems)) from None

    def _check_engine(self) -> None:
        if self.window is not None and not 1 <= self.window <= _WINDOW_MAX:
            raise DemoError(
                f"--window must be from 1 to {_WINDOW_MAX}, not {self.window}; about as many as the"
                " engine computes at once"
            )
        if self.engine_url is None:
            if self.window is not None:
                raise DemoError(
                    "--window is for an engine of yours; name it with --engine URL, or leave"
                    " --window away: the embedded engine knows its own"
                )
            if self.model is not None and not Path(self.model).is_file():
                raise DemoError(
                    f"--model {self.model} is no file; name a GGUF file for the embedded engine, or"
                    " say with --engine URL where a model of this name runs"
                )
            return
        if not self.model:
            raise DemoError("--engine needs --model M, the name of a model that runs there")
        try:
            EngineAddress.parse(self.engine_url)
        except ValueError as error:
            raise DemoError(f"--engine: {error}") from None


def _check_writable(file: Path) -> None:
    if file.is_dir():
        raise DemoError(f"--json {file} is a folder; name a file in it")
    try:
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise DemoError(
            f"--json {file} cannot be written ({error.strerror}); choose another folder or make"
            " this one writable"
        ) from None
