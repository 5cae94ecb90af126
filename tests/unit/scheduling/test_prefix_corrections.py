"""What engines report corrects what is believed of their caches, and what a start was charged."""

import pytest

from evenhand.model import EngineName, ModelName, Outcome, Request, RequestId, TrustDomain, Usage
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, TokenWeights, compose
from evenhand.scheduling.engine_cache import Cause

E, F = EngineName("e"), EngineName("f")
MODEL = ModelName("m")
HEAD = b"h" * 4_000
PROMPTS = [HEAD + bytes([letter]) * 400 for letter in b"abc"]
TOKENS = 1_100
"""Of each prompt, 4 bytes each."""


def scheduler(*engines: EngineName) -> Scheduler:
    one = Scheduler(
        SchedulerSettings(
            tenants=(TenantShare(name="a"),),
            policy=compose("dlpm", prediction="none"),
            cost=TokenWeights(input=10, cached_input=1, output=20),
        )
    )
    for engine in engines or (E,):
        one.engine_changed(engine, window=10, models=[MODEL])
    return one


def asked(prefix: bytes, name: str, domain: str = "") -> Request:
    return Request(
        id=RequestId(name),
        tenant=("a",),
        model=MODEL,
        body_bytes=1,
        prompt_bytes=len(prefix),
        queue_wait_ms_max=10**9,
        prefix=prefix,
        trust_domain=TrustDomain(domain),
    )


def served(one: Scheduler, prefix: bytes, name: str, reported: int | None) -> int:
    """The units that it was charged while it ran, after the engine has told of its prompt."""
    request = asked(prefix, name)
    assert one.submit(request, 0).refused is None
    started = one.next(0)
    assert started is not None
    one.prompt_counted(request.id, TOKENS, reported, 0)
    units = one.open_units()
    one.settle(request.id, Usage(TOKENS, 0, reported or 0), Outcome.COMPLETED, 0)
    return units


def held(one: Scheduler, prefix: bytes, engine: EngineName = E) -> int:
    assert one.prefixes is not None
    return one.prefixes.matched(asked(prefix, "question"), engine)


def corrections(one: Scheduler, cause: Cause, engine: EngineName = E) -> int:
    assert one.prefixes is not None
    return one.prefixes.cache(engine).corrections[cause]


def test_less_than_believed_cuts_back_what_continues_it_but_the_prompt_itself() -> None:
    one = scheduler()
    for number, prompt in enumerate(PROMPTS[:2]):
        served(one, prompt, f"{number}", reported=None)
    assert held(one, PROMPTS[0]) == len(PROMPTS[0])
    # Of the head, which was believed to be there, a quarter was.
    served(one, PROMPTS[2], "2", reported=250)
    assert held(one, PROMPTS[2]) == len(PROMPTS[2]), "it was computed now"
    assert held(one, PROMPTS[0]) == held(one, PROMPTS[1]) == len(HEAD)
    assert corrections(one, Cause.USAGE) == 1


def test_a_gone_branch_is_gone_where_the_engine_says_so() -> None:
    one = scheduler()
    served(one, PROMPTS[0], "0", reported=0)
    served(one, PROMPTS[1], "1", reported=0)
    assert held(one, PROMPTS[0]) == len(HEAD), "the branch of the first has gone with the head"


@pytest.mark.parametrize("reported", [990, 1_000, 1_010, TOKENS])
def test_as_much_as_believed_to_a_block_or_more_changes_no_belief(reported: int) -> None:
    one = scheduler()
    served(one, PROMPTS[0], "0", reported=0)
    served(one, PROMPTS[1], "1", reported=reported)
    assert held(one, PROMPTS[0]) == len(PROMPTS[0])
    assert corrections(one, Cause.USAGE) == 0


def test_an_engine_that_reports_nothing_changes_nothing() -> None:
    one = scheduler()
    for number, prompt in enumerate(PROMPTS):
        served(one, prompt, f"{number}", reported=None)
    assert all(held(one, prompt) == len(prompt) for prompt in PROMPTS)
    assert one.prefixes is not None
    assert one.prefixes.cache(E).reported_tokens == one.prefixes.cache(E).believed_tokens == 0


def test_the_charge_of_a_start_is_corrected_at_once() -> None:
    one = scheduler()
    assert served(one, PROMPTS[0], "0", reported=0) == 10 * TOKENS
    assert served(one, PROMPTS[1], "1", reported=600) == 10 * (TOKENS - 600) + 600
    # Only the length is told: the part that is believed to be cached stays.
    believed = TOKENS * len(HEAD) // len(PROMPTS[2])
    assert served(one, PROMPTS[2], "2", reported=None) == pytest.approx(
        10 * (TOKENS - believed) + believed, abs=20
    )


def test_of_blocks_of_an_engine_a_shorter_report_is_no_loss() -> None:
    one = scheduler()
    one.cache_sized(E, None, 256)
    served(one, PROMPTS[0], "0", reported=0)
    served(one, PROMPTS[1], "1", reported=768)
    assert corrections(one, Cause.USAGE) == 0, (
        "three whole blocks of 256 are all that can be shared"
    )
    one.cache_sized(E, None, 16)
    served(one, PROMPTS[2], "2", reported=768)
    assert corrections(one, Cause.USAGE) == 1


def test_an_engine_holds_no_more_than_it_has_room_for() -> None:
    one = scheduler()
    texts = [bytes([letter]) * 4_400 for letter in b"abcd"]
    for number, text in enumerate(texts):
        served(one, text, f"{number}", reported=0)
    one.cache_sized(E, 2 * TOKENS + 550, 16)
    assert [held(one, text) for text in texts] == pytest.approx([0, 2_200, 4_400, 4_400], abs=20)
    served(one, texts[0], "again", reported=0)
    assert held(one, texts[0]) == 4_400
    assert held(one, texts[1]) == 0
    assert corrections(one, Cause.CAPACITY) == 2


def test_one_room_is_for_all_trust_domains_and_for_each_engine_its_own() -> None:
    one = scheduler(E, F)
    assert one.prefixes is not None
    one.cache_sized(E, TOKENS, 16)
    for number, domain in enumerate(["x", "y"]):
        for engine in (E, F):
            one.stored(engine, bytes([65 + number]) * 4_400, TrustDomain(domain))
    x, y = asked(b"A" * 4_400, "q", "x"), asked(b"B" * 4_400, "q", "y")
    assert one.prefixes.matched(x, E) == 0
    assert one.prefixes.matched(y, E) == one.prefixes.matched(x, F) == 4_400


def test_a_restart_is_counted_once_for_what_was_believed() -> None:
    one = scheduler()
    one.restarted(E)
    assert corrections(one, Cause.CLEARED) == 0
    served(one, PROMPTS[0], "0", reported=0)
    one.restarted(E)
    assert held(one, PROMPTS[0]) == 0
    assert corrections(one, Cause.CLEARED) == 1


def test_what_waits_is_ordered_by_the_corrected_belief() -> None:
    one = scheduler()
    served(one, PROMPTS[0], "0", reported=0)
    served(one, b"other" * 880, "1", reported=0)
    one.engine_changed(E, window=1, models=[MODEL])
    blocker = asked(b"", "blocker")
    assert one.submit(blocker, 0).refused is None
    assert one.next(0) is not None
    cold, hot = asked(b"cold" * 1_100, "cold"), asked(PROMPTS[0] + b"more", "hot")
    for request in (cold, hot):
        assert one.submit(request, 0).refused is None
    one.evicted(E, PROMPTS[0][:1], TrustDomain(""))
    one.settle(blocker.id, Usage(1, 0), Outcome.COMPLETED, 0)
    started = one.next(0)
    assert started is not None
    assert started.request.id == "cold", "nothing of the other is warm any more: by arrival"
