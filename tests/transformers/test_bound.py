"""Between tenants with full queues service stays within the published bound, and nobody goes without."""

from typing import Any

import pytest

from support.transformers_audit import AuditedEngine
from support.transformers_engine import Shape

PROMPT_MAX, ANSWER_MAX = 60, 16
REQUEST_MAX = PROMPT_MAX * 10 + ANSWER_MAX * 20
GAP_STEPS = 40


@pytest.mark.parametrize("shape", [Shape(), Shape(pages=40)], ids=["roomy", "tight"])
@pytest.mark.parametrize("weights", [(1, 1), (3, 1)])
def test_service_per_weight_of_backlogged_tenants_stays_near(
    model: Any, shape: Shape, weights: tuple[int, int]
) -> None:
    weight = dict(zip("ab", weights, strict=True))
    tenants = [{"name": name, "weight": part} for name, part in weight.items()]
    engine = AuditedEngine(model, shape, tenants=tenants)
    served = engine.host.scheduler.served_units
    bound = 2 * shape.seats * REQUEST_MAX / min(weights)
    waited, longest = dict.fromkeys("ab", 0), 0
    for step in range(600):
        # One sends few that are long, the other many that are short.
        for name, (prompt, answer) in (("a", (PROMPT_MAX, ANSWER_MAX)), ("b", (6, 4))):
            waiting = [key for key in engine.scheduler.waiting_requests if key.startswith(name)]
            for _ in range(shape.seats + 2 - len(waiting)):
                engine.ask(name, [5 + step % 100] * prompt, answer)
        batch = engine.step()
        for name in "ab":
            has_part = any(part.state.request_id.startswith(name) for part in batch)
            waited[name] = 0 if has_part else waited[name] + 1
            longest = max(longest, waited[name])
        a, b = (served((name,)) / weight[name] for name in "ab")
        assert abs(a - b) <= bound
    assert longest <= GAP_STEPS
    assert min(served((name,)) for name in "ab") > 10 * REQUEST_MAX


def test_a_long_prompt_leaves_others_their_part_of_each_step(model: Any) -> None:
    engine = AuditedEngine(model, Shape(step_tokens=32, pages=200))
    engine.ask("long", [5] * 1_000, 4)
    engine.step()
    for _ in range(10):
        chat = engine.ask("chat", [7] * 8, 3)
        for _ in range(3):  # the first token comes with the first step, in spite of the long prompt
            batch = engine.step()
            assert chat in {part.state.request_id for part in batch}
        engine.step()
        assert chat in engine.ended
    engine.finish()
