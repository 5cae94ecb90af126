"""F8: a flood in a lower lane costs a higher one a slot release; and no lane starves."""

from unittest.mock import patch

import pytest

from evenhand.model import LaneName
from evenhand.scheduling import Lane
from evenhand.scheduling.lanes import lanes
from properties.lanes_simulation import World, traffic

WINDOW = 4
SERVICE_MS_MAX = 1_000
UNTIL_MS = 60_000
CHAT = Lane(name=LaneName("chat"), ttft_ms_target=500)
BATCH = Lane(name=LaneName("batch"), floor_percent=25)
SEEDS = range(20)


def played(
    seed: int, *, chat_every_ms: int = 400, batch_every_ms: int, batch: Lane = BATCH
) -> World:
    jobs = [
        *traffic(
            f"chat {seed}",
            "chat",
            every_ms=chat_every_ms,
            service_ms_max=SERVICE_MS_MAX,
            until_ms=UNTIL_MS,
        ),
        *traffic(
            f"batch {seed}",
            "batch",
            every_ms=batch_every_ms,
            service_ms_max=SERVICE_MS_MAX,
            until_ms=UNTIL_MS,
        ),
    ]
    return World([CHAT, batch], WINDOW).run(jobs)


def p99_ms(world: World, lane: str) -> int:
    waits_ms = world.waits_ms(lane)
    return waits_ms[len(waits_ms) * 99 // 100]


def test_a_tenfold_flood_below_moves_the_p99_wait_above_by_at_most_one_service_time() -> None:
    moved_ms = []
    for seed in SEEDS:
        calm, flooded = (played(seed, batch_every_ms=every) for every in (1_000, 100))
        assert len(flooded.waits_ms("batch")) > 8 * len(calm.waits_ms("batch"))
        moved_ms.append(p99_ms(flooded, "chat") - p99_ms(calm, "chat"))
    assert max(moved_ms) <= SERVICE_MS_MAX
    assert max(moved_ms) > 0, "the flood must be felt at all, or nothing was tried"


def test_a_request_with_room_in_its_lane_starts_with_the_next_slot_that_comes_free() -> None:
    room = WINDOW - BATCH.floor_slots(WINDOW)
    tried = 0
    for seed in SEEDS:
        for life in played(seed, batch_every_ms=100).lives:
            ahead = life.waiting_before
            if life.job.lane == "chat" and life.running_before + ahead < room:
                tried += life.releases_waited
                # Those of its lane that wait already go first, each with one release.
                assert life.releases_waited <= 1 + ahead
    assert tried > 1_000


def test_a_floor_is_kept_while_the_lane_above_floods() -> None:
    for seed in SEEDS:
        world = played(seed, chat_every_ms=100, batch_every_ms=200)
        assert world.least_in_flight["batch"] >= BATCH.floor_slots(WINDOW)


def longest_gap_ms(seed: int) -> int:
    """Of a lane without a floor beneath a lane that floods."""
    batch = Lane(name=LaneName("batch"), ageing_ms=3_000)
    world = played(seed, chat_every_ms=50, batch_every_ms=500, batch=batch)
    return world.longest_gap_ms["batch"]


# Passed over, then aged, then behind each of the two pools once.
GAP_MS_MAX = SERVICE_MS_MAX + 3_000 + 2 * SERVICE_MS_MAX


def test_no_lane_waits_longer_than_its_bound_for_a_start() -> None:
    gaps_ms = [longest_gap_ms(seed) for seed in SEEDS]
    assert max(gaps_ms) <= GAP_MS_MAX
    assert max(gaps_ms) >= 3_000, "it must be passed over until it has aged"


def test_control_strict_precedence_without_ageing_starves() -> None:
    with patch.object(lanes.Lanes, "_passed_over", lambda *_: None):
        assert max(longest_gap_ms(seed) for seed in SEEDS) > 10 * GAP_MS_MAX


def test_control_shares_alone_let_the_flood_through() -> None:
    """With all lanes alike, the same flood moves the p99 wait by much more."""
    with (
        patch.object(lanes.Lanes, "next", lambda self, pools, *_: pools),
        pytest.raises(AssertionError),
    ):
        test_a_tenfold_flood_below_moves_the_p99_wait_above_by_at_most_one_service_time()
