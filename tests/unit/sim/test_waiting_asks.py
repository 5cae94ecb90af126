"""An ask that waits for another is sent when that is answered, even if its engine has just gone idle."""

from evenhand.scheduling import PRESETS
from evenhand.sim.fleet import at_gateway
from evenhand.sim.profile import load_profile
from evenhand.sim.run_record import Fate
from evenhand.workloads.dlpm.tree import TREE
from evenhand.workloads.workload import DialValue


def test_all_calls_of_a_tree_are_answered_on_an_engine_that_nobody_else_uses() -> None:
    values: dict[str, DialValue] = {
        "clients": 1,
        "programs": 1,
        "pattern": "none",
        "height": 3,
        "output_tokens": 4,
    }
    workload = TREE.make(1, values)
    profile = load_profile("h100-llama-3.1-8b")
    record = at_gateway(workload, PRESETS["fcfs"], profile, engines=1).run()
    assert len(record) == workload.size == 14
    assert set(record.fate) == {Fate.COMPLETED}
