"""An ask as the scheduler sees it."""

from collections.abc import Callable

from evenhand.model import ApplicationName, InteractionId, LaneName, ModelName, Request
from evenhand.sim.job import Job
from evenhand.workloads.ask import Segment

MODEL = ModelName("simulated")
FOREVER_MS = 1 << 50

RequestOf = Callable[[Job], Request]


def prefix_bytes(prompt: tuple[Segment, ...]) -> bytes:
    """Text that stands for a prompt: a byte for each token, so that prompts share as many bytes as they
    share tokens. Contents differ within their first eight bytes."""
    return b"".join(
        (content.to_bytes(8, "big") * (-(-tokens // 8)))[:tokens] for content, tokens in prompt
    )


def request_maker(
    *, reads_prefix: bool, queue_wait_ms_max: int = FOREVER_MS, predict: Callable[[int], int] = int
) -> RequestOf:
    """Makes requests of jobs. `reads_prefix`: the policy compares prompts. `predict` turns the true
    length of an answer into what the prediction `oracle` is told."""

    def make(job: Job) -> Request:
        ask = job.ask
        return Request(
            id=job.id,
            tenant=ask.tenant,
            model=MODEL,
            body_bytes=ask.input_tokens,
            prompt_tokens=ask.input_tokens,
            output_tokens_true=predict(ask.output_tokens),
            queue_wait_ms_max=queue_wait_ms_max,
            application=ApplicationName(ask.application),
            interaction=InteractionId(ask.interaction),
            lane=LaneName(ask.lane),
            calls_declared=ask.calls_total if ask.interaction else None,
            prefix=prefix_bytes(ask.prompt) if reads_prefix else b"",
        )

    return make
