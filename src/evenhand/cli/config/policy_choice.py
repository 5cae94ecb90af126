"""From the section `policy` to the composition it describes, or to all that is wrong with it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from evenhand.cli.config import policy as section_of_file
from evenhand.cli.config.named_policy import NoPolicyError, named_policy
from evenhand.cli.config.problem import Finding
from evenhand.cli.config.seams import SEAMS, parameters
from evenhand.cli.config.words import described, nearest
from evenhand.scheduling import PRESETS, Policy
from evenhand.scheduling.parts import Parameter

_ORACLE = "oracle"


def choose(
    section: section_of_file.Policy, *, knows_lengths: bool = False
) -> tuple[Policy | None, list[Finding]]:
    """The policy, None if there are findings. `knows_lengths`: for a simulator, which knows how long
    answers will be."""
    try:
        preset = named_policy(section.preset)
    except NoPolicyError as error:
        return None, [(("policy", "preset"), str(error))]
    findings: list[Finding] = []
    parts: dict[str, Any] = {}
    for seam, built_in in SEAMS.items():
        name = getattr(section, seam)
        if name is None or name == getattr(preset, seam).name:
            continue
        if name in built_in:
            parts[seam] = built_in[name]
        else:
            message = f"there is no such {seam}; {nearest(name, built_in)}"
            findings.append((("policy", seam), message))
    # What the preset sets for a part that is not its own any more says nothing.
    bare = replace(preset, **parts, settings={})
    known = {parameter.name: parameter for parameter in bare.parameters()}
    own = {name: value for name, value in preset.settings.items() if name in known}
    findings += _settings_findings(section, known)
    if not knows_lengths:
        findings += _oracle_findings(section, bare)
    if findings:
        return None, findings
    return replace(bare, settings={**own, **section.settings}), []


def chosen(section: section_of_file.Policy) -> Policy:
    """The policy of a section that has been checked."""
    policy, findings = choose(section)
    assert policy is not None, findings
    return policy


def completed(section: section_of_file.Policy) -> section_of_file.Policy:
    """A checked section with every part and every value written out."""
    policy = chosen(section)
    names = {seam: getattr(policy, seam).name for seam in SEAMS}
    return section_of_file.Policy(preset=section.preset, **names, settings=policy.values())


def _settings_findings(
    section: section_of_file.Policy, known: dict[str, Parameter]
) -> Iterator[Finding]:
    for name, value in section.settings.items():
        place = ("policy", "settings", name)
        parameter = known.get(name)
        if parameter is None:
            yield place, _stray(section.preset, name, known)
        elif not parameter.minimum <= value <= parameter.maximum:
            span = f"{parameter.minimum} to {parameter.maximum}"
            yield place, f"must be a whole number from {span}, not {described(value)}"


def _stray(preset: str, name: str, known: dict[str, Parameter]) -> str:
    """Why a parameter is refused that nothing would read."""
    elsewhere = parameters().get(name)
    if elsewhere is None:
        has = nearest(name, known) if known else f"{preset} has no parameters"
        return f"unknown parameter; {has}"
    owners = ", ".join(owner for owner, _ in elsewhere)
    presets = [p.name for p in PRESETS.values() if any(q.name == name for q in p.parameters())]
    hint = f", or choose {' or '.join(presets)}" if presets else ", or choose that part"
    return f"belongs to {owners}, which is not part of this policy: remove it{hint}"


def _oracle_findings(section: section_of_file.Policy, policy: Policy) -> Iterator[Finding]:
    if policy.prediction.name == _ORACLE:
        others = ", ".join(name for name in SEAMS["prediction"] if name != _ORACLE)
        key = "preset" if section.prediction is None else "prediction"
        message = (
            "only a simulator knows how long answers will be, a gateway does not: write `prediction:`"
            f" with one of {others}"
        )
        yield ("policy", key), message
