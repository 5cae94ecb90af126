"""What the DLPM paper says, and what we hold against it. Made of its published points where there are
many of a kind."""

from dataclasses import replace
from itertools import product
from math import prod

from evenhand.sim.papers.claim import Claim
from evenhand.sim.papers.dlpm.found import FOUND
from evenhand.sim.papers.dlpm.published import FIGURE_1, FIGURE_7, RERUN
from evenhand.sim.papers.interval import Interval, about, at_least, near
from evenhand.sim.papers.verdict import Verdict

WORKLOADS = ("qa", "tree", "judge")
PATTERNS = ("s1", "s2")
SEVERAL = (2, 4, 8)
_FIGURE_7 = "Figure 7"
_JAIN_BY = 0.08
_RATIO_PART = 0.25
UNCLEAR = 0.1
"""A published gain that is so near to 1 has no direction."""

COMPARISONS: dict[str, tuple[str, str, str]] = {
    "service vtc": ("throughput over VTC", "vtc", "service"),
    "jain lpm": ("Jain over LPM + round robin", "lpm", "jain"),
    "jain preble": ("Jain over Preble", "preble", "jain"),
    "p50 lpm": ("victims' median latency, LPM + round robin over D2LPM", "lpm", "p50_s"),
    "p50 preble": ("victims' median latency, Preble over D2LPM", "preble", "p50_s"),
}
"""Of D2LPM with several engines: in words, whom with, which figure. All are better above 1."""


def gain(policy: float, other: float, figure: str) -> float:
    """How many times as good D2LPM is: less is better for latencies."""
    return other / policy if figure.endswith("_s") else policy / other


def published_gains(workload: str, pattern: str, comparison: str) -> dict[int, float]:
    """By the number of engines; a point that was not measured is missing."""
    _, other, figure = COMPARISONS[comparison]
    gains = {}
    for engines in SEVERAL:
        mine = FIGURE_7[workload, pattern, "d2lpm", engines]
        theirs = FIGURE_7.get((workload, pattern, other, engines))
        if theirs is not None:
            gains[engines] = gain(getattr(mine, figure), getattr(theirs, figure), figure)
    return gains


def agreement(published: dict[int, float], ours: dict[int, float]) -> float:
    """At least 1 if ours are in the published direction wherever that is clear; the least of them."""
    clear = [
        ours[engines] if gain > 1 else 1 / ours[engines]
        for engines, gain in published.items()
        if abs(gain - 1) > UNCLEAR
    ]
    return min(clear, default=1.0)


def geometric(values: list[float]) -> float:
    """Their geometric mean."""
    return float(prod(values) ** (1 / len(values)))


def _one_engine() -> list[Claim]:
    claims = []
    for workload, pattern in product(WORKLOADS, PATTERNS):
        mine, vtc, lpm = (
            FIGURE_7[workload, pattern, policy, 1] for policy in ("d2lpm", "vtc", "lpm")
        )
        ratio = mine.service / vtc.service
        claims.append(
            Claim(
                key=f"one {workload} {pattern}",
                what=f"one engine, {workload} {pattern}: throughput, DLPM over VTC",
                published=f"{ratio:.2f}",
                source=_FIGURE_7,
                reproduced=near(ratio, by=0.07) if ratio < 1.1 else about(ratio, part=0.2),
                direction=at_least(1.0),
            )
        )
        claims += [
            Claim(
                key=f"one {workload} {pattern} jain {policy}",
                what=f"one engine, {workload} {pattern}: Jain of {policy.upper()}",
                published=f"{point.jain:.3f}",
                source=_FIGURE_7,
                reproduced=near(point.jain, by=_JAIN_BY),
                form="{:.3f}",
            )
            for policy, point in (("lpm", lpm), ("dlpm", mine), ("vtc", vtc))
        ]
    return claims


def _shapes() -> list[Claim]:
    large, lpm = FIGURE_1["32000"], FIGURE_1["lpm"]
    return [
        Claim(
            key="order",
            what="one engine: QA gains more than tree, tree more than judge (1: for both patterns)",
            published="1",
            source=_FIGURE_7,
            reproduced=near(1, by=0),
            form="{:.0f}",
        ),
        Claim(
            key="large quantum",
            what="one A10G, tree: throughput, DLPM with a quantum of 32,000 over LPM",
            published=f"{large[1] / lpm[1]:.3f}",
            source="Figure 1",
            reproduced=at_least(0.95),
            form="{:.3f}",
        ),
        Claim(
            key="vtc a10",
            what="one A10G, tree: throughput, DLPM with a quantum of 32,000 over VTC",
            published=f"{large[1] / FIGURE_1['vtc'][1]:.2f}",
            source="Figure 1",
            reproduced=about(large[1] / FIGURE_1["vtc"][1], part=0.2),
            direction=at_least(1.0),
        ),
        Claim(
            key="jain monotone",
            what="Jain falls with the quantum, VTC, 1,000 to 32,000, LPM: largest rise of a step",
            published="0",
            source="Figure 1",
            reproduced=Interval(most=0.01),
            form="{:.3f}",
        ),
        Claim(
            key="throughput monotone",
            what="throughput rises with the quantum, VTC, 1,000 to 32,000: largest fall of a step",
            published="0",
            source="Figure 1",
            reproduced=Interval(most=0.01),
            note="As a part of it.",
            form="{:.3f}",
        ),
    ]


def _small_cache() -> list[Claim]:
    return [
        Claim(
            key="small cache",
            what="a pool of 20,000 tokens, judge s1: throughput, DLPM over VTC",
            published=f"{RERUN['dlpm'][1] / RERUN['vtc'][1]:.3f}",
            source="independent re-run",
            reproduced=near(1, by=0.07),
            form="{:.3f}",
        ),
        *(
            Claim(
                key=f"small cache jain {policy}",
                what=f"a pool of 20,000 tokens, judge s1: Jain of {policy.upper()}",
                published=f"{jain:.3f}",
                source="independent re-run",
                reproduced=near(jain, by=_JAIN_BY),
                form="{:.3f}",
            )
            for policy, (jain, _) in RERUN.items()
        ),
        Claim(
            key="small cache victims",
            what="a pool of 20,000 tokens, judge s1: victims' mean latency, LPM over DLPM",
            published="2.36 (312, 396 : 142, 158 s)",
            source="independent re-run",
            reproduced=about(2.36, part=_RATIO_PART),
            direction=at_least(1.0),
        ),
    ]


def _several_engines() -> list[Claim]:
    claims = []
    for (workload, pattern), (name, (words, _, _)) in product(
        product(WORKLOADS, PATTERNS), COMPARISONS.items()
    ):
        gains = published_gains(workload, pattern, name)
        mean = geometric(list(gains.values()))
        claims.append(
            Claim(
                key=f"several {workload} {pattern} {name}",
                what=f"{_numbers(list(gains))} engines, {workload} {pattern}: {words}",
                published=", ".join(f"{value:.2f}" for value in gains.values()),
                source=_FIGURE_7,
                reproduced=about(mean, part=_RATIO_PART),
                direction=at_least(1.0),
                note=_suspicion(workload, pattern),
            )
        )
    return claims


def _numbers(engines: list[int]) -> str:
    return ", ".join(map(str, engines))


def _suspicion(workload: str, pattern: str) -> str:
    if (workload, pattern) != ("qa", "s2"):
        return ""
    return "The published point with 2 engines equals that of s1, probably a slip of the plot."


_HEADLINES = (
    Claim(
        key="headline latency",
        what="victims' latency up to 7.18, 9.55 and 7.96 times lower than Preble, LPM and VTC",
        published="7.18, 9.55, 7.96",
        source="abstract, section 6",
        judged=Verdict.DOUBTFUL,
        note="All three are of one point, QA s2 with 2 engines, where D2LPM's figures are those of s1: "
        "probably a slip of the plot. And it is the median, not the tail, as is often said. Ours is "
        "that point against LPM.",
    ),
    Claim(
        key="headline throughput",
        what="throughput up to 2.87 times VTC's (tree s1, 8 engines)",
        published="2.87",
        source="abstract",
        reproduced=about(2.87, part=_RATIO_PART),
        direction=at_least(1.0),
    ),
)


def _with_findings(claim: Claim) -> Claim:
    note = " ".join(text for text in (claim.note, FOUND.get(claim.key, "")) if text)
    return replace(claim, note=note)


CLAIMS = tuple(
    map(
        _with_findings,
        (*_one_engine(), *_shapes(), *_small_cache(), *_several_engines(), *_HEADLINES),
    )
)
assert set(FOUND) <= {claim.key for claim in CLAIMS}
