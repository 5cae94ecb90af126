"""LLM as a judge: articles are judged in several dimensions at once, then a summary is written."""

from collections.abc import Iterator, Mapping
from functools import partial

from evenhand.workloads.ask import Ask, Segment
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

_INSTRUCTION_TOKENS = 40
_PREAMBLE_TOKENS = 600
_SPREAD = 0.05


def _dimensions(values: Mapping[str, DialValue], client: int) -> int:
    many = programs.misbehaves(values, client, MORE_REQUESTS)
    return whole(values, "dimensions_s1" if many else "dimensions")


def _program(
    values: Mapping[str, DialValue],
    start: Start,
    numbers: Numbers,
    article: Prompt,
    instructions: list[Segment],
) -> Iterator[Ask]:
    """`instructions`: of each dimension, the last one of the summary."""
    closing = whole(values, "closing_calls")
    dimensions = _dimensions(values, start.client)
    calls = Calls(start, numbers, application="judge", total=dimensions + closing)
    judgements, judges = [], []
    for instruction in instructions[:dimensions]:
        judgement = numbers.text(whole(values, "output_tokens"))
        ask = calls.call((*article, instruction), judgement, is_awaited=closing > 0)
        judgements.append(judgement)
        judges.append(ask.id)
        yield ask
    after = tuple(judges)
    said: Prompt = (*article, instructions[-1], *judgements)
    for number in range(closing):
        summary = numbers.text(whole(values, "output_tokens"))
        ask = calls.call(said, summary, after=after, is_awaited=number < closing - 1)
        said, after = (*said, summary, numbers.text(_INSTRUCTION_TOKENS)), (ask.id,)
        yield ask


def _asks(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    numbers = Numbers()
    clients = range(whole(values, "clients"))
    most = max(_dimensions(values, client) for client in clients)
    instructions = [numbers.text(_INSTRUCTION_TOKENS) for _ in range(most + 1)]
    preamble = numbers.text(_PREAMBLE_TOKENS)
    draws = [stream(seed, "articles", client) for client in clients]
    for start in programs.starts(seed, values):
        length = programs.near(draws[start.client], whole(values, "article_tokens"), _SPREAD)
        article: Prompt = (numbers.text(length),)
        if programs.misbehaves(values, start.client, LONGER_PREFIX):
            article = (preamble, *article)
        yield from _program(values, start, numbers, article, instructions)


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    clients = whole(values, "clients")
    calls = sum(
        _dimensions(values, client) + whole(values, "closing_calls") for client in range(clients)
    )
    return Workload(
        name=JUDGE.name,
        tenants=programs.equal_tenants(clients),
        asks=Redrawn(partial(_asks, seed, values)),
        size=whole(values, "programs") * calls,
    )


JUDGE = WorkloadRecipe(
    name="dlpm/judge",
    summary="articles judged in several dimensions at once; a summary waits for all judgements",
    source="arXiv 2501.14312, section 5: synthetic articles, 16 dimensions (s1) against 2, 600 tokens"
    " more before each article (s2); a public re-run of its authors' code has 50 programs, one in 2 s",
    build=_build,
    dials=(
        programs.pattern_dial(
            "judges in more dimensions", "puts the same 600 tokens before each article"
        ),
        programs.clients_dial(3),
        programs.programs_dial(100, "articles"),
        programs.rate_dial(1.5, "articles"),
        programs.CV,
        Dial(name="dimensions", meaning="of a judgement", default=2, least=1, most=1000),
        Dial(
            name="dimensions_s1",
            meaning="s1: of a judgement of client 0",
            default=16,
            least=1,
            most=1000,
        ),
        Dial(
            name="closing_calls",
            meaning="calls after the judgements, one after another; 2 in the re-run",
            default=1,
            most=10,
        ),
        Dial(
            name="article_tokens",
            meaning="mean length of an article",
            default=2701,
            least=1,
            most=1_000_000,
        ),
        Dial(
            name="output_tokens",
            meaning="length of an answer; about 130 in the re-run",
            default=256,
            least=1,
            most=100_000,
        ),
    ),
)
