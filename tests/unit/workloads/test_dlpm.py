"""DLPM's programs have the calls that the paper counts, and share what their prompts repeat."""

import itertools
from collections import Counter, defaultdict

import pytest

from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.catalog import WORKLOADS
from evenhand.workloads.workload import DialValue


def asks(name: str, seed: int = 1, **values: DialValue) -> list[Ask]:
    return list(WORKLOADS[f"dlpm/{name}"].make(seed, values).asks)


def by_program(all_asks: list[Ask]) -> dict[str, list[Ask]]:
    programs: dict[str, list[Ask]] = defaultdict(list)
    for ask in all_asks:
        programs[ask.interaction].append(ask)
    return programs


def calls_per_program(name: str, pattern: str) -> dict[str, set[int]]:
    """Of each client."""
    sizes: dict[str, set[int]] = defaultdict(set)
    for program in by_program(asks(name, pattern=pattern, programs=2)).values():
        assert [ask.call_index for ask in program] == list(range(len(program)))
        assert {ask.calls_total for ask in program} == {len(program)}
        sizes[program[0].tenant[0]].add(len(program))
    return sizes


@pytest.mark.parametrize(("pattern", "first"), [("s1", 340), ("s2", 30), ("none", 30)])
def test_a_tree_has_340_calls_with_four_branches_and_30_with_two(pattern: str, first: int) -> None:
    sizes = calls_per_program("tree", pattern)
    assert sizes == {"client-0": {first}, "client-1": {30}, "client-2": {30}}


@pytest.mark.parametrize(("pattern", "first"), [("s1", 17), ("s2", 3), ("none", 3)])
def test_a_judge_has_a_call_for_each_dimension_and_a_summary(pattern: str, first: int) -> None:
    sizes = calls_per_program("judge", pattern)
    assert sizes == {"client-0": {first}, "client-1": {3}, "client-2": {3}}


def test_the_public_re_run_of_the_judge_made_1300_calls() -> None:
    assert len(asks("judge", programs=50, closing_calls=2)) == 50 * (16 + 2) + 2 * 50 * (2 + 2)


def test_a_thought_repeats_its_parents_path_and_answer_and_waits_for_it() -> None:
    tree = asks("tree", clients=1, programs=1, pattern="none")
    by_id = {ask.id: ask for ask in tree}
    levels: Counter[int] = Counter()
    for ask in tree:
        levels[len(ask.prompt)] += 1
        if not ask.after:
            assert len(ask.prompt) == 1
            continue
        (parent,) = (by_id[number] for number in ask.after)
        assert parent.is_awaited
        assert parent.output_content is not None
        answer = Segment(parent.output_content, parent.output_tokens)
        assert ask.prompt == (*parent.prompt, answer)
    assert levels == {1: 2, 2: 4, 3: 8, 4: 16}
    assert not any(ask.is_awaited for ask in tree if len(ask.prompt) == 4)


def test_a_summary_repeats_all_judgements_and_waits_for_them() -> None:
    *judges, summary = asks("judge", clients=1, programs=1, pattern="s1")
    assert len(judges) == 16
    assert summary.after == tuple(ask.id for ask in judges)
    assert all(ask.is_awaited and not ask.after for ask in judges)
    (article,) = {ask.prompt[0] for ask in judges}
    answers = [Segment(ask.output_content or 0, ask.output_tokens) for ask in judges]
    assert summary.prompt[0] == article
    assert list(summary.prompt[2:]) == answers


def test_turns_of_a_chat_repeat_all_that_was_said() -> None:
    for program in by_program(asks("chat", programs=5)).values():
        for before, ask in itertools.pairwise(program):
            if not ask.interaction:
                continue
            assert ask.after == (before.id,)
            answer = Segment(before.output_content or 0, before.output_tokens)
            assert ask.prompt[:-1] == (*before.prompt, answer)


def test_questions_are_about_few_documents_of_the_length_of_the_paper() -> None:
    all_asks = asks("qa", pattern="none")
    documents = {ask.tenant: set[Segment]() for ask in all_asks}
    for ask in all_asks:
        documents[ask.tenant].add(ask.prompt[0])
    lengths = [document.tokens for own in documents.values() for document in own]
    assert len(lengths) == 3 * round(150 / 8)
    assert sum(lengths) / len(lengths) == pytest.approx(21_449, rel=0.1)
    assert sum(ask.output_tokens for ask in all_asks) / len(all_asks) == pytest.approx(15, rel=0.1)


@pytest.mark.parametrize(
    ("name", "ratio"), [("qa", 2.0), ("tree", 10.0), ("judge", (2701 + 600) / 2701)]
)
def test_the_longer_prefix_is_longer_by_what_the_paper_says(name: str, ratio: float) -> None:
    def mean(pattern: str) -> float:
        first = [ask for ask in asks(name, pattern=pattern) if ask.tenant == ("client-0",)]
        roots = {ask.prompt[:-1] or ask.prompt for ask in first if not ask.after}
        return sum(segment.tokens for root in roots for segment in root) / len(roots)

    assert mean("s2") / mean("none") == pytest.approx(ratio, rel=0.01)


def test_who_misbehaves_in_questions_asks_more_of_them_in_the_same_time() -> None:
    all_asks = asks("qa", pattern="s1")
    counts = Counter(ask.tenant[0] for ask in all_asks)
    assert counts == {"client-0": 450, "client-1": 150, "client-2": 150}
    last = {ask.tenant[0]: ask.at_ms for ask in all_asks}
    assert last["client-0"] == pytest.approx(last["client-1"], rel=0.3)


@pytest.mark.parametrize("name", ["qa", "tree", "judge", "chat"])
def test_misbehaving_changes_nothing_of_what_the_others_send(name: str) -> None:
    def of_others(pattern: str) -> list[tuple[object, ...]]:
        return [
            (ask.at_ms, ask.tenant, ask.input_tokens, ask.output_tokens, ask.think_ms)
            for ask in asks(name, pattern=pattern, programs=10)
            if ask.tenant != ("client-0",)
        ]

    assert of_others("none") == of_others("s1") == of_others("s2")


@pytest.mark.parametrize("cv", [0.2, 1.0, 4.0])
def test_programs_arrive_as_often_and_as_unevenly_as_asked(cv: float) -> None:
    moments = [
        ask.at_ms / 1000
        for ask in asks("qa", clients=1, programs=4000, rate=2.0, cv=cv, pattern="none")
    ]
    gaps = [b - a for a, b in itertools.pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(0.5, rel=0.2)
    assert deviation / mean == pytest.approx(cv, rel=0.15)


def test_the_mean_turn_of_a_chat_is_of_the_length_of_the_paper() -> None:
    all_asks = asks("chat", programs=300)
    turns = [ask.prompt[-1].tokens for ask in all_asks]
    assert sum(turns) / len(turns) == pytest.approx(56, rel=0.05)
    outputs = [ask.output_tokens for ask in all_asks]
    assert sum(outputs) / len(outputs) == pytest.approx(142, rel=0.05)
