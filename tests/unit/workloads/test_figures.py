"""What a workload adds up to."""

import pytest

from evenhand.workloads.ask import Ask, Segment
from evenhand.workloads.figures import PrefixMemory, figures


def ask(number: int, *prompt: Segment, tenant: str = "a", answer: int | None = None) -> Ask:
    return Ask(
        id=number,
        at_ms=1000 * number,
        tenant=(tenant,),
        input_tokens=sum(segment.tokens for segment in prompt),
        output_tokens=10,
        prompt=prompt,
        output_content=answer,
    )


def test_what_was_said_before_is_known_up_to_where_texts_part() -> None:
    memory = PrefixMemory()
    memory.add((Segment(1, 100), Segment(2, 50)))
    assert memory.known_tokens((Segment(1, 100), Segment(2, 50), Segment(3, 5))) == 150
    assert memory.known_tokens((Segment(1, 100), Segment(3, 5))) == 100
    assert memory.known_tokens((Segment(1, 60), Segment(2, 50))) == 60, "another content follows"
    assert memory.known_tokens((Segment(1, 200),)) == 100
    assert memory.known_tokens((Segment(2, 50),)) == 0


def test_figures_add_up() -> None:
    told = figures(
        [
            ask(0, Segment(1, 80), answer=7),
            ask(1, Segment(1, 80), Segment(7, 10), Segment(2, 10)),
            ask(2, Segment(3, 20), tenant="b"),
        ]
    )
    assert (told.requests, told.tenants, told.interactions) == (3, 2, 3)
    assert told.input_mean == pytest.approx(200 / 3)
    assert told.output_mean == 10
    assert told.duration_s == 2
    assert told.heaviest_share == pytest.approx(220 / 260)
    assert told.ideal_reuse == pytest.approx(90 / 200)


def test_figures_are_of_the_first_asks_only() -> None:
    asks = [ask(number, Segment(number, 10)) for number in range(50)]
    assert figures(asks, asks_max=20).requests == 20
