"""When the `lanes` of the configuration reach the scheduler, and how."""

from pathlib import Path

import pytest

from evenhand.cli.composition import policy_settings, scheduler_settings
from evenhand.cli.config import Config, load
from evenhand.model import LaneName
from evenhand.scheduling import Lane

SOUND = """\
engines: [{name: local, kind: embedded, models: [tiny]}]
tenants: [{name: acme}]
keys: [{key: env:CHAT_KEY, tenant: acme, lane: chat}]
"""


def config_of(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "evenhand.yaml"
    file.write_text(text)
    return load(file)


def test_several_lanes_are_in_force_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "lanes: [{name: chat}, {name: batch, queue_wait_s_max: 600}]\n"
    settings = scheduler_settings(config_of(tmp_path, SOUND + text))
    assert settings.lanes == (Lane(name=LaneName("chat")), Lane(name=LaneName("batch")))


@pytest.mark.parametrize("lane", ["{name: chat}", "{name: chat, queue_wait_s_max: 5}"])
def test_one_lane_that_only_has_a_name_and_a_wait_costs_nothing(tmp_path: Path, lane: str) -> None:
    assert scheduler_settings(config_of(tmp_path, f"{SOUND}lanes: [{lane}]\n")).lanes == ()


def test_every_setting_reaches_the_scheduler(tmp_path: Path) -> None:
    text = (
        "lanes: [{name: chat, ttft_s: 0.5, floor_percent: 10, ceiling_percent: 60,"
        " price_percent: 150, ageing_s: 2.5}]\n"
    )
    (lane,) = scheduler_settings(config_of(tmp_path, SOUND + text)).lanes
    assert lane == Lane(
        name=LaneName("chat"),
        ttft_ms_target=500,
        floor_percent=10,
        ceiling_percent=60,
        price_percent=150,
        ageing_ms=2_500,
    )


def test_observe_serves_without_lanes_and_tries_them(tmp_path: Path) -> None:
    text = "lanes: [{name: chat}, {name: batch}]\nmode: observe\n"
    config = config_of(tmp_path, SOUND + text)
    assert scheduler_settings(config).lanes == ()
    assert [lane.name for lane in policy_settings(config).lanes] == ["chat", "batch"]
