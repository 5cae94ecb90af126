"""Tokens are counted, usage is believed with suspicion, and the client gets only what it asked for."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.model import Usage
from evenhand.wire.sse import event
from evenhand.wire.stream_meter import StreamMeter

DONE = event(b"[DONE]")


def chunk(text: str, **more: object) -> bytes:
    return event(
        json.dumps({"id": "c", "choices": [{"delta": {"content": text}}], **more}).encode()
    )


def final(usage: object) -> bytes:
    return event(json.dumps({"id": "c", "choices": [], "usage": usage}).encode())


def usage(prompt: int, completion: int, cached: int = 0) -> dict[str, object]:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def meter(*, wants: bool = False, each: bool = False, asked: bool = True) -> StreamMeter:
    return StreamMeter(client_wants_usage=wants, client_wants_each=each, asked_for_more=asked)


def test_the_last_chunks_usage_is_exact_and_cut_out() -> None:
    m = meter()
    assert [m.take(e) for e in (chunk("a"), chunk("b"))] == [chunk("a"), chunk("b")]
    assert m.output_tokens == 2
    assert m.take(final(usage(9, 3, 4))) is None
    assert m.take(DONE) == DONE
    assert m.is_done
    assert m.usage(input_tokens_estimate=1) == Usage(9, 3, 4)


def test_the_client_that_asked_for_usage_gets_it() -> None:
    m = meter(wants=True)
    assert m.take(final(usage(9, 3))) == final(usage(9, 3))


def test_usage_on_each_chunk_is_charged_live_and_cut_out() -> None:
    m = meter()
    out = m.take(chunk("abc", usage=usage(9, 7)))
    assert out == chunk("abc")
    assert m.output_tokens == 7
    broken_off = m.usage(input_tokens_estimate=1)
    assert broken_off == Usage(9, 7, 0, is_estimate=True)


def test_usage_on_each_chunk_stays_for_the_client_that_asked_for_it() -> None:
    m = meter(wants=True, each=True)
    assert m.take(chunk("abc", usage=usage(9, 7))) == chunk("abc", usage=usage(9, 7))


def test_usage_that_nobody_asked_for_is_the_engines_own_habit_and_stays() -> None:
    m = meter(asked=False)
    assert m.take(final(usage(9, 3))) == final(usage(9, 3))
    assert m.usage(input_tokens_estimate=1) == Usage(9, 3)


def test_usage_in_the_middle_of_a_chunk_is_found() -> None:
    m = meter()
    data = b'{"usage":{"prompt_tokens":5,"completion_tokens":2},"choices":[{"delta":{}}]}'
    out = m.take(event(data))
    assert out is not None
    assert b"usage" not in out
    assert m.output_tokens == 2


def test_usage_in_an_event_of_several_lines_is_cut_out_too() -> None:
    m = meter()
    lines = json.dumps(json.loads(chunk("a", usage=usage(9, 7))[6:]), indent=1).splitlines()
    out = m.take("".join(f"data: {line}\n" for line in lines).encode() + b"\n")
    assert out is not None
    assert json.loads(out[6:]) == json.loads(chunk("a")[6:])
    assert m.output_tokens == 7


@pytest.mark.parametrize(
    "text",
    ['say "usage": {"prompt_tokens": 1}}', ',"usage":{"completion_tokens":99}}', '"usage"', "}}"],
)
def test_text_about_usage_is_not_usage(text: str) -> None:
    m = meter()
    assert m.take(chunk(text)) == chunk(text)
    assert m.output_tokens == 1


@pytest.mark.parametrize(
    "bad",
    [
        usage(9, 1),  # less than the chunks we saw
        usage(-1, 3),
        {"prompt_tokens": 1.5, "completion_tokens": 2},
        {"prompt_tokens": True, "completion_tokens": 2},
        "x",
        [],
        None,
    ],
)
def test_senseless_usage_leaves_our_own_count_marked(bad: object) -> None:
    m = meter()
    for _ in range(3):
        m.take(chunk("a"))
    m.take(final(bad))
    settled = m.usage(input_tokens_estimate=6)
    assert settled.output_tokens == 3
    assert settled.is_estimate


def test_decreasing_usage_never_lowers_the_count() -> None:
    m = meter()
    m.take(chunk("a", usage=usage(9, 5)))
    m.take(chunk("a", usage=usage(9, 2)))
    assert m.output_tokens == 5
    assert m.usage(input_tokens_estimate=1).is_estimate


def test_more_cached_than_prompt_is_clipped() -> None:
    m = meter()
    m.take(final(usage(9, 0, 50)))
    assert m.usage(input_tokens_estimate=1) == Usage(9, 0, 9)


def test_an_error_inside_the_stream_is_seen_and_passed_on() -> None:
    m = meter()
    error = event(b'{"error":{"message":"boom"}}')
    assert m.take(error) == error
    assert m.error_seen


def test_role_and_finish_chunks_are_no_tokens() -> None:
    m = meter()
    m.take(event(b'{"choices":[{"delta":{"role":"assistant","content":""}}]}'))
    m.take(event(b'{"choices":[{"delta":{},"finish_reason":"stop"}]}'))
    assert m.output_tokens == 0


@given(st.lists(st.binary(max_size=60)))
def test_any_event_is_survived_and_nothing_is_invented(events: list[bytes]) -> None:
    m = meter()
    for data in events:
        before = m.output_tokens
        m.take(b"data: " + data + b"\n\n")
        assert m.output_tokens >= before


@given(
    st.text(max_size=8),
    st.integers(0, 10**9),
    st.sampled_from(
        [{}, {"prompt_tokens_details": None}, *({"reasoning_tokens": count} for count in (0, 7))]
    ),
    st.sampled_from(["content", "reasoning_content", "role"]),
    st.booleans(),
)
def test_plain_usage_is_read_as_any_other(
    text: str, completion: int, more: dict[str, object], name: str, each: bool
) -> None:
    told = {"prompt_tokens": 9, "total_tokens": 9 + completion, "completion_tokens": completion}
    document = {"id": "c", "choices": [{"delta": {name: text}}], "usage": told | more}
    outs, meters = [], []
    for separators in ((",", ":"), (", ", ": ")):
        written = json.dumps(document, separators=separators).encode()
        meters.append(meter(wants=each, each=each))
        outs.append(meters[-1].take(event(written)))
    plain, spaced = meters
    assert plain.output_tokens == spaced.output_tokens
    assert plain.usage(input_tokens_estimate=1) == spaced.usage(input_tokens_estimate=1)
    expected = document if each else {k: v for k, v in document.items() if k != "usage"}
    for out in outs:
        assert out is not None
        assert out.endswith(b"}\n\n")
        assert json.loads(out.removeprefix(b"data: ")) == expected


def test_plain_usage_that_shrinks_is_not_trusted() -> None:
    m = meter()
    for completion in (5, 4):
        told = {"prompt_tokens": 1, "total_tokens": 9, "completion_tokens": completion}
        document = {"id": "c", "choices": [{"delta": {"content": "x"}}], "usage": told}
        m.take(event(json.dumps(document, separators=(",", ":")).encode()))
    m.take(final(usage(1, 5)))
    assert m.usage(input_tokens_estimate=1) == Usage(1, 5, 0, is_estimate=True)


def like_vllm(
    text: str,
    completion: object,
    *,
    prompt: object = 9,
    name: str = "content",
    reasoned: int | None = None,
) -> bytes:
    told = {"prompt_tokens": prompt, "total_tokens": 99, "completion_tokens": completion}
    if reasoned is not None:  # as SGLang tells it
        told["reasoning_tokens"] = reasoned
    choices = [{"delta": {name: text}}]
    document = {"id": "c", "model": "m", "choices": choices, "usage": told}
    return event(json.dumps(document, separators=(",", ":")).encode())


small = st.integers(0, 6)
texts = st.text(alphabet='a"\\{}:,\n', max_size=3)
pieces = st.one_of(
    st.builds(like_vllm, st.sampled_from("ab"), small),
    st.builds(like_vllm, texts, small, prompt=small, name=st.sampled_from(["content", "text"])),
    st.builds(like_vllm, st.sampled_from("ab"), small, reasoned=small),
    st.builds(like_vllm, st.just("a"), st.sampled_from([10**9, -1, 1.5, True, "1", None])),
    st.builds(chunk, texts),
    st.builds(lambda used: chunk("a", usage=usage(9, used, 4)), small),
    st.builds(lambda used: final(usage(9, used)), small),
    st.builds(lambda used: like_vllm("a", used).replace(b"a", b"a\r"), small),
    st.builds(lambda used: like_vllm("a", used).replace(b'"a"', b"1"), small),
    st.builds(lambda used: like_vllm("a", used) + like_vllm("b", used + 1), small),
    st.builds(lambda used, cut: like_vllm("a", used)[:-cut], small, st.integers(1, 40)),
    st.just(b": comment\n\n"),
    st.just(event(b'{"error":{"message":"boom"}}')),
    st.just(DONE),
)


@given(st.lists(pieces, max_size=12), st.booleans(), st.booleans())
def test_an_event_that_is_like_the_last_one_is_taken_as_any_other(
    events: list[bytes], wants: bool, each: bool
) -> None:
    quick, thorough = meter(wants=wants, each=each), meter(wants=wants, each=each)
    for data in events:
        was_done = quick.is_done
        out = quick.take_alike(data)
        if out is None:
            for one in re.findall(rb"(?s).+?(?:\n\n|\Z)", data):
                assert quick.take(one) == thorough.take(one)
        else:
            assert not was_done
            assert out == thorough.take(data)
        assert quick.output_tokens == thorough.output_tokens
        assert quick.usage(input_tokens_estimate=1) == thorough.usage(input_tokens_estimate=1)


def test_what_goes_on_in_a_stream_is_like_what_came() -> None:
    m = meter()
    m.take(like_vllm("a", 1))
    assert m.take_alike(like_vllm("b", 2)) == like_vllm("b", 2).partition(b',"usage"')[0] + b"}\n\n"
    assert m.take_alike(like_vllm("b", 2)) is None, "no token more"
    assert m.take_alike(like_vllm("b", 3) * 2) is None, "two events"
    assert m.take_alike(like_vllm("", 3)) is None, "no text"
    assert m.take_alike(like_vllm("b", 3)) is not None
    assert m.usage(input_tokens_estimate=1) == Usage(9, 3, 0, is_estimate=True)
    m.take(DONE)
    assert m.take_alike(like_vllm("b", 4)) is None, "nothing comes after the end"


def test_reasoning_is_told_in_either_place_and_never_more_than_the_output() -> None:
    m = meter()
    m.take(like_vllm("a", 1, reasoned=1))
    assert m.take_alike(like_vllm("b", 2, reasoned=2)) is not None
    assert m.usage(input_tokens_estimate=1).reasoning_tokens == 2
    m.take(final(usage(9, 5) | {"completion_tokens_details": {"reasoning_tokens": 3}}))
    assert m.usage(input_tokens_estimate=1) == Usage(9, 5, reasoning_tokens=3)
    m.take(final(usage(9, 5) | {"completion_tokens_details": {"reasoning_tokens": 8}}))
    assert m.usage(input_tokens_estimate=1).reasoning_tokens == 5


def test_figures_of_the_last_report_count_however_it_was_read() -> None:
    m = meter()
    for completion in (1, 2):
        assert m.take_alike(like_vllm("a", completion)) or m.take(like_vllm("a", completion))
    m.take(final(usage(70, 3, 60)))
    m.take(DONE)
    assert m.usage(input_tokens_estimate=1) == Usage(70, 3, 60)


def test_an_event_whose_usage_is_not_believed_is_no_model_for_the_next() -> None:
    m = meter()
    m.take(chunk("a", usage=usage(9, 5, 4)))
    m.take(like_vllm("a", 4))
    assert m.take_alike(like_vllm("a", 6)) is None


def test_an_event_that_says_after_its_text_whose_it_is_is_no_model_for_the_next() -> None:
    m = meter()
    told = {"prompt_tokens": 9, "total_tokens": 99, "completion_tokens": 1}
    choices = [{"delta": {"content": "a"}}]
    late = {"id": "c", "choices": choices, "model": "m", "usage": told}
    m.take(event(json.dumps(late, separators=(",", ":")).encode()))
    told["completion_tokens"] = 2
    assert m.take_alike(event(json.dumps(late, separators=(",", ":")).encode())) is None


def test_what_the_engine_says_of_the_prompt_is_told_once_and_only_what_it_says() -> None:
    m = meter(wants=True, each=True)
    told = [m.prompt]

    def bare(tokens: int) -> dict[str, int]:
        return {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens}

    for said in (
        chunk("a", usage=bare(1)),
        chunk("b", usage=bare(2)),
        chunk("c", usage=usage(9, 3)),
        chunk("d", usage=bare(4)),
        final(usage(9, 5, cached=10)),
    ):
        m.take(said)
        told.append(m.prompt)
    # Silence is not none, and more than there is makes no sense.
    assert told == [None, (9, None), (9, None), (9, 0), (9, 0), (9, 0)]
    assert told[1] is told[2]
    assert told[3] is told[4] is told[5]
