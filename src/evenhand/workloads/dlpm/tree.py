"""Tree of thoughts: every thought is continued in several ways, down to a height."""

from collections.abc import Iterator, Mapping
from functools import partial

from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import whole
from evenhand.workloads.dlpm import programs
from evenhand.workloads.dlpm.programs import (
    LONGER_PREFIX,
    MORE_REQUESTS,
    Calls,
    Numbers,
    Prompt,
    Start,
)
from evenhand.workloads.draws import stream
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

_LONGER = 10
_SPREAD = 0.2


def calls_of_a_tree(branches: int, height: int) -> int:
    """Each thought is a call, the question at the root is not."""
    return sum(branches**level for level in range(1, height + 1))


def _branches(values: Mapping[str, DialValue], client: int) -> int:
    many = programs.misbehaves(values, client, MORE_REQUESTS)
    return whole(values, "branches_s1" if many else "branches")


def _tree(
    values: Mapping[str, DialValue], start: Start, numbers: Numbers, question_tokens: int
) -> Iterator[Ask]:
    branches, height = _branches(values, start.client), whole(values, "height")
    total = calls_of_a_tree(branches, height)
    calls = Calls(start, numbers, application="tree", total=total)
    paths: list[tuple[Prompt, tuple[int, ...]]] = [((numbers.text(question_tokens),), ())]
    for level in range(1, height + 1):
        longer: list[tuple[Prompt, tuple[int, ...]]] = []
        for path, after in paths:
            for _ in range(branches):
                thought = numbers.text(whole(values, "output_tokens"))
                ask = calls.call(path, thought, after=after, is_awaited=level < height)
                longer.append(((*path, thought), (ask.id,)))
                yield ask
        paths = longer


def _asks(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    numbers = Numbers()
    draws = [stream(seed, "questions", client) for client in range(whole(values, "clients"))]
    for start in programs.starts(seed, values):
        longer = _LONGER if programs.misbehaves(values, start.client, LONGER_PREFIX) else 1
        mean = longer * whole(values, "question_tokens")
        length = programs.near(draws[start.client], mean, _SPREAD)
        yield from _tree(values, start, numbers, length)


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    clients, height = whole(values, "clients"), whole(values, "height")
    sizes = [calls_of_a_tree(_branches(values, client), height) for client in range(clients)]
    return Workload(
        name=TREE.name,
        tenants=programs.equal_tenants(clients),
        asks=Redrawn(partial(_asks, seed, values)),
        size=whole(values, "programs") * sum(sizes),
    )


TREE = WorkloadRecipe(
    name="dlpm/tree",
    summary="trees of thoughts: a call continues its parent's, and waits for it",
    source="arXiv 2501.14312, section 5: GSM8K, trees of height 4, 340 calls (s1) against 30; rates are"
    " not published and ours",
    build=_build,
    dials=(
        programs.pattern_dial("grows wider trees", "asks questions ten times as long"),
        programs.clients_dial(3),
        programs.programs_dial(20, "trees"),
        programs.rate_dial(0.4, "trees"),
        programs.CV,
        Dial(name="height", meaning="levels of a tree", default=4, least=1, most=8),
        Dial(name="branches", meaning="of each thought", default=2, least=1, most=16),
        Dial(
            name="branches_s1",
            meaning="s1: of each thought of client 0",
            default=4,
            least=1,
            most=16,
        ),
        Dial(
            name="question_tokens",
            meaning="mean length of a question",
            default=546,
            least=1,
            most=1_000_000,
        ),
        Dial(
            name="output_tokens", meaning="length of a thought", default=256, least=1, most=100_000
        ),
    ),
)
