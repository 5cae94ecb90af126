"""Long-context question answering: many questions about few long documents."""

from collections.abc import Iterator, Mapping
from functools import partial

from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.dials import number, whole
from evenhand.workloads.dlpm import programs
from evenhand.workloads.dlpm.programs import LONGER_PREFIX, MORE_REQUESTS, Calls, Numbers
from evenhand.workloads.draws import stream
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

_QUESTION_TOKENS = (15, 45)
_ANSWER_TOKENS = (5, 25)
_SPREAD = 0.2
_LONGER = 2


def _factors(values: Mapping[str, DialValue]) -> list[float]:
    return [
        number(values, "flood") if programs.misbehaves(values, client, MORE_REQUESTS) else 1.0
        for client in range(whole(values, "clients"))
    ]


def _documents(
    seed: int, values: Mapping[str, DialValue], client: int, numbers: Numbers
) -> list[Segment]:
    """All that a client asks about."""
    rng = stream(seed, "documents", client)
    longer = _LONGER if programs.misbehaves(values, client, LONGER_PREFIX) else 1
    mean = longer * whole(values, "document_tokens")
    asked = whole(values, "programs") * _factors(values)[client]
    count = max(1, round(asked / number(values, "questions_each")))
    return [numbers.text(programs.near(rng, mean, _SPREAD)) for _ in range(count)]


def _asks(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    numbers = Numbers()
    clients = range(whole(values, "clients"))
    documents = [_documents(seed, values, client, numbers) for client in clients]
    draws = [stream(seed, "questions", client) for client in clients]
    for start in programs.starts(seed, values, _factors(values)):
        rng = draws[start.client]
        document = documents[start.client][int(rng.integers(len(documents[start.client])))]
        question = numbers.text(int(rng.integers(*_QUESTION_TOKENS, endpoint=True)))
        answer = numbers.text(int(rng.integers(*_ANSWER_TOKENS, endpoint=True)))
        yield Calls(start, numbers, application="qa", total=1).call((document, question), answer)


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    return Workload(
        name=QA.name,
        tenants=programs.equal_tenants(whole(values, "clients")),
        asks=Redrawn(partial(_asks, seed, values)),
        size=len(programs.starts(seed, values, _factors(values))),
    )


QA = WorkloadRecipe(
    name="dlpm/qa",
    summary="questions about long documents, each document asked about many times",
    source="arXiv 2501.14312, section 5: lengths of LooGLE, which has about 8 questions a document;"
    " rates and the factor of s1 are not published and ours",
    build=_build,
    dials=(
        programs.pattern_dial("asks `flood` times as much", "has documents twice as long"),
        programs.clients_dial(3),
        programs.programs_dial(150, "questions"),
        programs.rate_dial(0.6, "questions"),
        programs.CV,
        Dial(
            name="questions_each",
            meaning="of a document, on average",
            default=8.0,
            least=1,
            most=100_000,
        ),
        Dial(
            name="document_tokens",
            meaning="mean length of a document",
            default=21_449,
            least=1,
            most=10_000_000,
        ),
        Dial(
            name="flood",
            meaning="s1: how many times as many questions client 0 asks, so many times as fast",
            default=3.0,
            least=1,
            most=1000,
        ),
    ),
)
