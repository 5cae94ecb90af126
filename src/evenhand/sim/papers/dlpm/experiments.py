"""What is run for the DLPM paper.

Fixed before the first run: claims, engines and quanta. Engine: an A100 with Llama-3.1-8B, as in Figure
7, and the pool that it has; an A10G with the same model for Figure 1. Quanta: 32,000 for the order, the
largest of Figure 1, where the paper's Jain index is that of its Figure 7; 100,000 for the placement,
Evenhand's default and the value in public scripts for the authors' code. There is no age limit in the
paper, so ours is off. Clients and lengths are the defaults of the workloads.

Settled after a look at first runs, at whether all clients had a backlog, not at who wins: rates and
numbers of programs, which were not published. Jain indices of VTC near 1 there say that every client was
backlogged, so a client that behaves asks for about 0.6 of what an engine serves under LPM (22,000 QA,
31,000 tree, 26,000 judge weighted tokens a second on the A100, measured once; 0.18 of that on the
A10G). Rates grow with the engines, as there. After the first runs, too: that engines do not tell the
core what they drop, as Evenhand's gateway is not told; a table has what changes if they do (little).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from evenhand.sim.papers.dlpm.claims import PATTERNS, SEVERAL, WORKLOADS
from evenhand.sim.papers.dlpm.run import Dials, LocalityRun

ENGINE, SMALL_ENGINE = "a100-llama-3.1-8b", "a10g-llama-3.1-8b"
QUANTUM, ENGINE_QUANTUM = 32_000, 100_000
QUANTA = (1_000, 2_000, 8_000, 32_000)
ENGINE_QUANTA = (2_000, 10_000, 40_000, 100_000)
RERUN_QUANTUM, RERUN_POOL = 50_000, 20_000
POOLS = (50_000, 100_000, 200_000, 416_000)
AGE_LIMIT_S = 30
"""Evenhand's default."""

RATES = {"qa": 0.6, "tree": 0.4, "judge": 1.5}
"""Programs a second of a client, for each engine; an A100."""
SMALL_ENGINE_PART = 0.18
"""What an A10G does of what an A100 does."""
ON_ONE = {"lpm": ("lpm", None), "dlpm": ("dlpm", None), "vtc": ("vtc", None)}
ON_SEVERAL = {
    "lpm": ("lpm", "round-robin"),
    "vtc": ("vtc", "round-robin"),
    "preble": ("lpm", "preble"),
    "d2lpm": ("d2lpm", None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Programs of each client for each engine, by workload, on one engine and on several; seeds; numbers
    of engines."""

    one: dict[str, int]
    each: dict[str, int]
    seeds: tuple[int, ...]
    several: tuple[int, ...]


FULL = Size(
    one={"qa": 150, "tree": 40, "judge": 150},
    each={"qa": 80, "tree": 10, "judge": 40},
    seeds=(1, 2, 3),
    several=SEVERAL,
)
QUICK = Size(
    one={"qa": 150, "tree": 15, "judge": 75},
    each={"qa": 80, "tree": 5, "judge": 20},
    seeds=(1,),
    several=(2,),
)


def dials(workload: str, pattern: str, size: Size, engines: int = 1) -> Dials:
    """Of a workload for so many engines."""
    return (
        ("pattern", pattern),
        ("rate", RATES[workload] * engines),
        ("programs", (size.one if engines == 1 else size.each)[workload] * engines),
    )


def plain(
    workload: str,
    pattern: str,
    policy: tuple[str, str | None],
    size: Size,
    *,
    engines: int,
    seed: int,
) -> LocalityRun:
    """One run of the comparison."""
    return LocalityRun(
        workload=f"dlpm/{workload}",
        dials=dials(workload, pattern, size, engines),
        policy=policy[0],
        placement=policy[1],
        engine=ENGINE,
        engines=engines,
        quantum=QUANTUM,
        engine_quantum=ENGINE_QUANTUM,
        seed=seed,
    )


def one_engine(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """Keys are ("one", workload, pattern, policy)."""
    for workload, pattern, (name, policy) in product(WORKLOADS, PATTERNS, ON_ONE.items()):
        for seed in size.seeds:
            key = ("one", workload, pattern, name)
            yield key, plain(workload, pattern, policy, size, engines=1, seed=seed)


def several_engines(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """Keys are ("several", workload, pattern, policy, engines)."""
    cases = product(WORKLOADS, PATTERNS, ON_SEVERAL.items(), size.several)
    for workload, pattern, (name, policy), engines in cases:
        for seed in size.seeds:
            key = ("several", workload, pattern, name, str(engines))
            yield key, plain(workload, pattern, policy, size, engines=engines, seed=seed)


def quanta(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """Figure 1; keys are ("quantum", its policy or quantum)."""
    for seed in size.seeds:
        for name, policy in ON_ONE.items():
            run = plain("tree", "s1", policy, size, engines=1, seed=seed)
            run = replace(run, engine=SMALL_ENGINE, dials=_slower(run.dials))
            if name != "dlpm":
                yield ("quantum", name), run
                continue
            for quantum in QUANTA:
                yield ("quantum", str(quantum)), replace(run, quantum=quantum)


def _slower(dials: Dials) -> Dials:
    """For an A10G: as fast as that is, and fewer."""
    values = dict(dials)
    rate, programs = float(values["rate"]), int(values["programs"])
    values |= {"rate": rate * SMALL_ENGINE_PART, "programs": programs // 4}
    return tuple(values.items())


def small_cache(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """The independent re-run; keys are ("rerun", policy)."""
    for (name, policy), seed in product(ON_ONE.items(), size.seeds):
        yield (
            ("rerun", name),
            LocalityRun(
                workload="dlpm/judge",
                dials=(
                    *dials("judge", "s1", size),
                    ("closing_calls", 2),
                    ("output_tokens", 130),
                    ("article_tokens", 2677),
                ),
                policy=policy[0],
                engine=ENGINE,
                kv_tokens=RERUN_POOL,
                quantum=RERUN_QUANTUM,
                engine_quantum=ENGINE_QUANTUM,
                seed=seed,
            ),
        )


def pools(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """Cache size as an axis; keys are ("pool", workload, policy, tokens)."""
    for workload, (name, policy), tokens in product(WORKLOADS, ON_ONE.items(), POOLS):
        run = plain(workload, "s1", policy, size, engines=1, seed=size.seeds[0])
        yield ("pool", workload, name, str(tokens)), replace(run, kv_tokens=tokens)


def frontier(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """Both quanta, on 4 engines, tree s1; keys are ("frontier", quantum, engine quantum)."""
    for quantum, engine_quantum in product(QUANTA, ENGINE_QUANTA):
        run = plain("tree", "s1", ON_SEVERAL["d2lpm"], size, engines=4, seed=size.seeds[0])
        key = ("frontier", str(quantum), str(engine_quantum))
        yield key, replace(run, quantum=quantum, engine_quantum=engine_quantum)


def age_limit(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """What an age limit costs that is shorter than the wait; keys are ("age", workload, policy)."""
    for workload, name in product(WORKLOADS, ("lpm", "dlpm")):
        run = plain(workload, "s1", ON_ONE[name], size, engines=1, seed=size.seeds[0])
        yield ("age", workload, name), replace(run, prefix_age_s=AGE_LIMIT_S)


def evictions(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """If the core is told what caches drop, as the paper's is; keys are ("told", workload, policy)."""
    for workload, name in product(("qa", "judge"), ("lpm", "dlpm")):
        run = plain(workload, "s1", ON_ONE[name], size, engines=1, seed=size.seeds[0])
        yield ("told", workload, name), replace(run, hears_evictions=True)


def inside(size: Size) -> Iterator[tuple[tuple[str, ...], LocalityRun]]:
    """Whether it matters that a gateway binds before the engine starts; keys are ("inside", workload,
    policy)."""
    for workload, (name, policy) in product(WORKLOADS, ON_ONE.items()):
        run = plain(workload, "s1", policy, size, engines=1, seed=size.seeds[0])
        yield ("inside", workload, name), replace(run, is_inside=True)
