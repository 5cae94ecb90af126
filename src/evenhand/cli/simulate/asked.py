"""`--policy P[,P...]` and `--set KEY=VALUE`: which key is whose, and the policies that come out."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from pydantic import ValidationError

from evenhand.cli.config.asked_policy import AskedPolicy
from evenhand.cli.config.explain import explained
from evenhand.cli.config.policy_choice import choose
from evenhand.cli.config.problem import Lines
from evenhand.cli.config.schema import Config
from evenhand.cli.config.seams import SEAMS, parameters
from evenhand.cli.config.words import described, nearest
from evenhand.cli.simulate.problem import SimulateError
from evenhand.scheduling import Policy
from evenhand.sim.faults import Fault, parse_fault
from evenhand.sim.settings import SETTINGS, Setting, SimulationSettings

_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
POLICIES_MAX = 50
_FAULT = "fault"
"""May be given again and again."""


@dataclass(frozen=True, slots=True)
class PolicyAsked:
    """One of `--policy`: `label` as it was typed, and what it comes to."""

    label: str
    asked: AskedPolicy

    def policy(self) -> Policy:
        """Composed. Raises SimulateError."""
        data = self.asked.over({})
        try:
            policy, findings = choose(Config.model_validate(data).policy, knows_lengths=True)
        except ValidationError as error:
            policy, findings = None, list(explained(error.errors(include_url=False), data))
        problems = self.asked.problems(Lines(), findings)
        if problems:
            told = "; ".join(str(problem) for problem in problems)
            raise SimulateError("--policy", f"{self.label}: {told}")
        assert policy is not None
        return policy


@dataclass(frozen=True, slots=True)
class Asked:
    """The whole of it, each key where it belongs."""

    policies: tuple[PolicyAsked, ...]
    dials: tuple[str, ...]
    settings: SimulationSettings


def asked(texts: Sequence[str], changes: Sequence[str], dials: Sequence[str]) -> Asked:
    """Sort out what was typed. `texts` are of `--policy`, `changes` of `--set`, `dials` are the names
    that the workload has. Raises SimulateError."""
    policies = [_policy(label) for text in texts for label in text.split(",")]
    labels = [policy.label for policy in policies]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise SimulateError("--policy", f"{twice} is given twice: keep one")
    if len(policies) > POLICIES_MAX:
        raise SimulateError("--policy", f"{len(policies)} are given: at most {POLICIES_MAX}")
    known = {
        "workload": list(dials),
        "policy": [*SEAMS, *parameters(), *_parameters_of(policies)],
        "simulation": [*SETTINGS, _FAULT],
    }
    of: dict[str, list[str]] = {owner: [] for owner in known}
    for change in changes:
        owner, pair = _owner(change, known)
        of[owner].append(pair)
    return Asked(
        policies=tuple(_changed(policies, of["policy"])),
        dials=tuple(of["workload"]),
        settings=_settings(of["simulation"]),
    )


def _parameters_of(policies: Iterable[PolicyAsked]) -> Iterator[str]:
    """Policies of installed packages may have some of their own."""
    for one in policies:
        yield from (parameter.name for parameter in one.policy().parameters())


def _policy(label: str) -> PolicyAsked:
    """`dlpm`, or `dlpm:quantum_tokens=8000:prediction=none`."""
    preset, *own = label.strip().split(":")
    if not preset:
        raise SimulateError("--policy", "a name is empty: write vtc, or vtc,fcfs")
    return PolicyAsked(label.strip(), AskedPolicy(preset, tuple(own)))


def _changed(policies: Sequence[PolicyAsked], changes: Sequence[str]) -> Iterable[PolicyAsked]:
    """Each with the changes that are for it: parts for all, a parameter for those that have it."""
    parts = [change for change in changes if _key(change) in SEAMS]
    others = [change for change in changes if _key(change) not in SEAMS]
    readers = dict.fromkeys(others, 0)
    changed = []
    for one in policies:
        with_parts = _with(one, parts)
        has = {parameter.name for parameter in with_parts.policy().parameters()}
        own = [change for change in others if _key(change) in has]
        for change in own:
            readers[change] += 1
        changed.append(_with(with_parts, own))
    for change, count in readers.items():
        if not count:
            _with(policies[0], [*parts, change]).policy()  # says what is wrong
    for one in changed:
        one.policy()
    return changed


def _with(one: PolicyAsked, changes: Sequence[str]) -> PolicyAsked:
    """What it says of itself counts more."""
    own = {_key(change) for change in one.asked.changes}
    added = tuple(change for change in changes if _key(change) not in own)
    asked_policy = AskedPolicy(one.asked.preset, one.asked.changes + added)
    return PolicyAsked(one.label, asked_policy)


def _owner(change: str, known: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Whose key it is, and `KEY=VALUE` without the owner's name before it."""
    key, sign, value = change.partition("=")
    if not (key and sign and value):
        raise SimulateError("--set", f"must be KEY=VALUE, not {described(change)}")
    owner, dot, name = key.partition(".")
    if dot and owner in known:
        return owner, f"{name}={value}"
    owners = [owner for owner, names in known.items() if key in names]
    if len(owners) == 1:
        return owners[0], change
    if owners:
        choices = " or ".join(f"{owner}.{key}" for owner in owners)
        raise SimulateError("--set", f"{key} is of more than one: write {choices}")
    raise SimulateError("--set", f"{key} is unknown; {_told(key, known)}")


def _told(key: str, known: Mapping[str, Sequence[str]]) -> str:
    hint = nearest(key, [name for names in known.values() for name in names])
    near = hint if hint.startswith("did you mean") else ""
    lists = "; ".join(
        f"of the {owner}: {', '.join(names) or 'none'}"
        for owner, names in known.items()
        if owner != "policy"
    )
    return f"{near} {lists}; of a policy: see `evenhand policies NAME`".strip()


def _settings(changes: Sequence[str]) -> SimulationSettings:
    values: dict[str, float] = {}
    faults: list[Fault] = []
    for change in changes:
        key, _, text = change.partition("=")
        if key == _FAULT:
            faults.append(_fault(text))
            continue
        if key not in SETTINGS:
            raise SimulateError("--set", f"{key} is unknown; {nearest(key, SETTINGS)}")
        if key in values:
            raise SimulateError(f"--set {key}", "is given twice: keep one")
        values[key] = _number(SETTINGS[key], text)
    return SimulationSettings(**values, faults=tuple(faults))  # type: ignore[arg-type]


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise SimulateError(f"--set {_FAULT}", str(error)) from None


def _number(setting: Setting, text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else None
    is_whole = value is not None and (not setting.is_whole or value == int(value))
    if value is None or not is_whole or not setting.minimum <= value <= setting.maximum:
        kind = "a whole number" if setting.is_whole else "a number"
        end = "on" if setting.maximum == inf else f"to {setting.maximum:g}"
        message = f"must be {kind} from {setting.minimum:g} {end}, not {described(text)}"
        raise SimulateError(f"--set {setting.name}", message)
    return int(value) if setting.is_whole else value


def _key(change: str) -> str:
    return change.partition("=")[0]
