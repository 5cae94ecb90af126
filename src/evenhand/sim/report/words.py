"""Who gains and who loses, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from evenhand.sim.measures.figures import RunFigures, TenantFigures
from evenhand.sim.report.change import Change, Direction, answered, changes
from evenhand.sim.report.forms import duration, index, percent

NAMED_MAX = 3
BEHIND_S = 1.0
"""A tenant whose work comes later than that is named."""


def comparison(before: str, after: str, runs: Mapping[str, RunFigures]) -> Iterator[str]:
    """One run held against another, a sentence or two at a time."""
    was, now = runs[before], runs[after]
    yield _together(before, after, was, now)
    yield from who(list(changes(was.tenants, now.tenants)))


def who(found: Sequence[Change]) -> Iterator[str]:
    """Who gains, who loses, and for how many it makes little difference."""
    gains = _largest(found, Direction.GAINS)
    loses = _largest(found, Direction.LOSES)
    same = len(found) - len(gains) - len(loses)
    if not gains and not loses:
        yield "It makes little difference to any tenant."
        return
    if gains:
        yield f"{_begun(_so_many(len(gains), len(found)))} gain{_s(len(gains))}{_named(gains)}."
    if loses:
        yield f"{_begun(_so_many(len(loses), len(found)))} lose{_s(len(loses))}{_named(loses)}."
    else:
        yield "Nobody loses."
    if same:
        yield f"For {same} it makes little difference."


def behind(run: RunFigures) -> Iterator[str]:
    """Whose work came clearly later than with a fair server, the worst first."""
    late = [
        (figures.behind_s, tenant)
        for tenant, figures in run.tenants.items()
        if figures.behind_s is not None and figures.behind_s > BEHIND_S
    ]
    late.sort(key=lambda entry: (-entry[0], entry[1]))
    if not late:
        yield "no tenant's work came later than with a fair server."
        return
    told = "; ".join(f"{tenant} by {duration(by_s)}" for by_s, tenant in late[:NAMED_MAX])
    more = ", most of all" if len(late) > NAMED_MAX else ":"
    asking = sum(1 for figures in run.tenants.values() if figures.requests)
    yield f"the work of {_so_many(len(late), asking)} came later than with a fair server{more} {told}."


def _together(before: str, after: str, was: RunFigures, now: RunFigures) -> str:
    parts = []
    if was.tokens_per_s and now.tokens_per_s:
        parts.append(f"{now.tokens_per_s / was.tokens_per_s * 100:.0f} % of the throughput")
    if was.jain_all_active is not None and now.jain_all_active is not None:
        parts.append(
            f"fairness (Jain) {index(now.jain_all_active)} instead of {index(was.jain_all_active)}"
        )
    if was.refused != now.refused:
        parts.append(f"{now.refused:,} refused instead of {was.refused:,}")
    return f"{after} instead of {before}: {', '.join(parts) or 'nothing to compare'}."


def _largest(found: Sequence[Change], direction: Direction) -> list[Change]:
    chosen = [change for change in found if change.direction is direction]
    return sorted(chosen, key=lambda change: (-change.size, change.tenant))


def _named(chosen: Sequence[Change]) -> str:
    told = "; ".join(f"{change.tenant} {_what(change)}" for change in chosen[:NAMED_MAX])
    if len(chosen) > NAMED_MAX:
        return f", most of all {told}"
    return f": {told}"


def _what(change: Change) -> str:
    before, after = change.before, change.after
    if change.is_about_answers:
        return f"({percent(answered(after))} answered instead of {percent(answered(before))})"
    return f"(first token after {_wait(after)} instead of {_wait(before)})"


def _wait(figures: TenantFigures) -> str:
    return duration(figures.ttft_mean_s)


def _so_many(part: int, whole: int) -> str:
    if part == whole:
        return f"all {whole:,} tenants" if whole > 1 else "the tenant"
    return f"{part:,} of {whole:,} tenants"


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _s(number: int) -> str:
    return "s" if number == 1 else ""
