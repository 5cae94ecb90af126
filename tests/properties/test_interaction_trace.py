"""FairServe's result, on a trace of its shape in small: far fewer interactions refused than by a rate
limit, none in its middle, and the engine kept busy. Run the file to see the figures."""

from dataclasses import dataclass

from evenhand.scheduling import compose
from support.interaction_trace import WINDOW, Told, TraceRun, trace

SECONDS = 300
LOAD_PERCENT = 105
SEEDS = (1, 2, 3)


@dataclass
class Sum:
    """Of all seeds."""

    interactions: int
    refused: int
    refused_within: int
    wasted_tokens: int
    use_percent: int
    users_hit: set[str]


def results(preset: str, **dials: int) -> Sum:
    told: list[Told] = []
    for seed in SEEDS:
        made = trace(seed, SECONDS)
        calls = [call for one in made for call in one.calls]
        units = sum(call.prompt_tokens + 20 * call.output_tokens for call in calls)
        slot_units_per_s = units * 100 // (SECONDS * LOAD_PERCENT * WINDOW)
        told.append(TraceRun(compose(preset, settings=dials), slot_units_per_s).run(made))
    return Sum(
        interactions=sum(one.interactions for one in told),
        refused=sum(one.refused for one in told),
        refused_within=sum(one.refused_within for one in told),
        wasted_tokens=sum(one.wasted_tokens for one in told),
        use_percent=sum(one.busy_ms for one in told)
        * 100
        // (WINDOW * sum(one.ended_ms for one in told)),
        users_hit=set().union(*(one.users_hit for one in told)),
    )


def test_throttling_refuses_a_tenth_of_what_a_rate_limit_refuses_and_wastes_nothing() -> None:
    rate, fair = results("rpm", requests_per_minute=50), results("fairserve")
    assert rate.interactions == fair.interactions
    assert fair.refused * 10 <= rate.refused
    assert rate.refused_within > 0
    assert rate.wasted_tokens > 0
    assert fair.refused > 0, "the load is such that it has to act"
    assert fair.refused_within == 0
    assert fair.wasted_tokens == 0
    assert fair.users_hit == {"u0"}, "only the flood"
    assert fair.use_percent >= 95
    assert fair.use_percent > rate.use_percent


if __name__ == "__main__":
    print("rpm 50   ", results("rpm", requests_per_minute=50))
    print("fairserve", results("fairserve"))
