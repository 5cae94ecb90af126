"""The page `docs/policies.md`, made from the code."""

from collections.abc import Iterable, Iterator

from evenhand.cli.config.seams import ALL_SEAMS, AnyPart, parameters_of
from evenhand.cli.policies.portrait import SEAM_ORDER, parts_of, snippet
from evenhand.scheduling import PRESETS, Policy

_HEAD = """\
# Policies

Generated from `src/evenhand/scheduling` by `make docs`; do not edit.

A policy is a composition: an order between tenants, an order within a tenant (`queue`), a `placement`,
an `admission`, a `prediction` and a `cost`. A preset is one under its published name. Choose it in the
configuration, or for one run on the command line; every part but the order between tenants can be
exchanged by name, and every parameter set:

```yaml
policy:
  preset: vtc
  prediction: none
```

```
evenhand serve evenhand.yaml --policy las --set half_life_s=300
evenhand policies             # the table below
evenhand policies vtc         # parts, parameters and the derivation in short
evenhand demo --policy vtc    # shows it on a real engine
```

`evenhand check` refuses parts and parameters that do not exist, that the composition does not have, or
whose value is out of range, and says what to write instead. An installed package may offer more
policies: [CONTRIBUTING.md](../CONTRIBUTING.md#adding-a-policy) says how.

*Fair* means that the policy states a bound and keeps it: two tenants that wait for the same engines,
and use no others, never differ in service per weight by more. W is the number of requests in flight, C
what the largest of them costs, w the least weight among the siblings.
"""

_SEAM_WORDS = {
    "admission": "Who is refused at once.",
    "order": "Whose turn it is between tenants, at every node of the share tree. Chosen by the preset.",
    "queue": "Which of a tenant's requests goes first.",
    "placement": "Which engine it goes to, where several could take it.",
    "prediction": "How much output is charged ahead.",
    "cost": "What work adds to the counters.",
}


def policies_text() -> str:
    """The page as Markdown."""
    parts = [_HEAD, "## Presets\n", _table(PRESETS.values())]
    for policy in PRESETS.values():
        parts += _preset(policy)
    for seam in SEAM_ORDER:
        parts += _seam(seam)
    return "\n".join(parts)


def _table(policies: Iterable[Policy]) -> str:
    rows = [
        f"| [`{p.name}`](#{p.name}) | {'yes' if p.is_fair else 'no'} | {_cell(p.summary)} "
        f"| {_cell(p.bound)} | {_cell(p.source)} |"
        for p in policies
    ]
    head = ["| preset | fair | what goes next | bound | source |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _preset(policy: Policy) -> Iterator[str]:
    yield f"### {policy.name}\n"
    page = (
        f" Derivation: [{policy.page}](../src/evenhand/scheduling/{policy.page})."
        if policy.page
        else ""
    )
    summary = policy.summary[:1].upper() + policy.summary[1:]
    yield f"{summary}.{page}\n"
    yield ", ".join(f"{seam} `{part.name}`" for seam, part in parts_of(policy)) + ".\n"
    yield f"```yaml\n{snippet(policy)}```\n"


def _seam(seam: str) -> Iterator[str]:
    yield f"## {seam}\n"
    yield f"{_SEAM_WORDS[seam]}\n"
    rows = ["| part | what it does | parameters (default; from, to) |", "|---|---|---|"]
    rows += [_part(seam, part) for part in ALL_SEAMS[seam].values()]
    yield "\n".join(rows) + "\n"


def _part(seam: str, part: AnyPart) -> str:
    dials = [
        f"`{p.name}`: {p.meaning} ({p.default}; {p.minimum}, {p.maximum})"
        for p in parameters_of(seam, part)
    ]
    return f"| `{part.name}` | {_cell(part.summary)} | {_cell('<br>'.join(dials)) or 'none'} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
