"""A chatbot at night, and a batch job that begins beside it."""

from collections.abc import Iterator, Mapping
from functools import partial
from heapq import merge

from evenhand.model import LaneName
from evenhand.scheduling import Lane, TenantShare
from evenhand.workloads.ask import Ask
from evenhand.workloads.dials import SECONDS_MAX, number, whole, word
from evenhand.workloads.draws import lognormal_tokens, stream
from evenhand.workloads.stories.chats import Chat, chats
from evenhand.workloads.workload import Dial, DialValue, Redrawn, Workload, WorkloadRecipe

CHATBOT = "chatbot"
JOB = "enrichment"
LANES = (Lane(name=LaneName("interactive"), ttft_ms_target=500), Lane(name=LaneName("batch")))

_JOB_OUTPUT_MEAN = 200
_JOB_OUTPUT_SIGMA = 0.5
_JOB_OUTPUT_MAX = 2000


def _job(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    """So many documents at a time: each comes when an earlier one is answered."""
    documents, at_a_time = whole(values, "documents"), whole(values, "at_a_time")
    outputs = lognormal_tokens(
        stream(seed, JOB),
        mean=_JOB_OUTPUT_MEAN,
        sigma=_JOB_OUTPUT_SIGMA,
        most=_JOB_OUTPUT_MAX,
        count=documents,
    ).tolist()
    for n in range(documents):
        yield Ask(
            id=n,
            at_ms=1000 * number(values, "job_at_s"),
            tenant=(JOB,),
            input_tokens=whole(values, "document_tokens"),
            output_tokens=outputs[n],
            after=(n - at_a_time,) if n >= at_a_time else (),
            is_awaited=n + at_a_time < documents,
            application=JOB,
            lane=LANES[1].name,
        )


def _talk(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    chat = Chat(tenant=CHATBOT, lane=LANES[0].name, per_second=number(values, "chats_per_s"))
    first = whole(values, "documents")
    return chats(seed, chat, seconds=number(values, "seconds"), first=first)


def _asks(seed: int, values: Mapping[str, DialValue]) -> Iterator[Ask]:
    return merge(_talk(seed, values), _job(seed, values), key=lambda ask: ask.at_ms)


def _build(seed: int, values: Mapping[str, DialValue]) -> Workload:
    return Workload(
        name=ONCALL.name,
        tenants=(TenantShare(name=CHATBOT), TenantShare(name=JOB)),
        asks=Redrawn(partial(_asks, seed, values)),
        size=sum(1 for _ in _talk(seed, values)) + whole(values, "documents"),
        lanes=LANES if word(values, "lanes") == "yes" else (),
    )


ONCALL = WorkloadRecipe(
    name="oncall",
    summary="a chatbot that should answer within 500 ms, and at night a job of 8,000-token prompts",
    source="a story told of shared engines (tianpan.co, 2026-05-07: a target of 500 ms, 12 s behind"
    " 8,000-token prompts); its other figures are ours",
    build=_build,
    dials=(
        Dial(
            name="seconds",
            meaning="how long people chat",
            default=900.0,
            least=1,
            most=SECONDS_MAX,
        ),
        Dial(
            name="chats_per_s",
            meaning="requests of the chatbot a second",
            default=5.0,
            least=0.001,
            most=100_000,
        ),
        Dial(name="job_at_s", meaning="when the job begins", default=60.0, most=SECONDS_MAX),
        Dial(name="documents", meaning="of the job", default=3000, least=1, most=1e7),
        Dial(
            name="document_tokens",
            meaning="length of their prompts",
            default=8000,
            least=1,
            most=1_000_000,
        ),
        Dial(
            name="at_a_time",
            meaning="how many documents the job has under way",
            default=64,
            least=1,
            most=1_000_000,
        ),
        Dial(
            name="lanes",
            meaning="yes: the chatbot's lane goes before that of the job; no: there are none",
            default="yes",
            words=("yes", "no"),
        ),
    ),
)
