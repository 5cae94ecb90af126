"""The demo from end to end against a small server: three phases, table, verdict, JSON."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from rich.console import Console

from evenhand.cli.demo import DemoError, DemoOptions, run_demo
from evenhand.scheduling import PRESETS
from support.tiny_openai import Order, TinyServer

KEYS = {"chat": "key-c", "batch": "key-b", "agent": "key-a"}
TENANT_KEYS = {
    "ttft_p50_s",
    "ttft_p99_s",
    "completed",
    "service",
    "share_promised",
    "share_received",
    "gap_max_s",
}


class Gateways:
    """Starts a tiny server for each phase; the fair preset takes turns."""

    def __init__(self, *, status: int = 200) -> None:
        self.presets: list[str] = []
        self.servers: list[TinyServer] = []
        self._status = status

    @asynccontextmanager
    async def start(self, preset: str) -> AsyncIterator[str]:
        order = Order.FIFO if preset == "fcfs" else Order.TURNS
        server = TinyServer(order=order, prefill_s=0.02, status=self._status)
        self.presets.append(preset)
        self.servers.append(server)
        async with server:
            yield server.url


def play(options: DemoOptions, gateways: Gateways, screen: io.StringIO) -> int:
    console = Console(file=screen, width=80)
    return asyncio.run(run_demo(options, gateways.start, model="m", keys=KEYS, console=console))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any], str, Gateways]:
    file = tmp_path_factory.mktemp("demo") / "out.json"
    gateways, screen = Gateways(), io.StringIO()
    code = play(DemoOptions(seconds=1.5, json_file=file), gateways, screen)
    return code, json.loads(file.read_text()), screen.getvalue(), gateways


Played = tuple[int, dict[str, Any], str, Gateways]


def test_the_json_has_the_promised_shape(played: Played) -> None:
    _, content, _, _ = played
    assert set(content) == {"runs", "verdict"}
    assert list(content["runs"]) == ["alone", "fcfs", "vtc"]
    assert set(content["verdict"]) == {
        "pass",
        "promised",
        "ttft_ratio",
        "throughput_ratio",
        "reason",
    }
    assert set(content["runs"]["alone"]["tenants"]) == {"chat"}
    for name in ("fcfs", "vtc"):
        run = content["runs"][name]
        assert set(run["tenants"]) == set(KEYS)
        assert 0 < run["jain"] <= 1
        assert run["tokens_per_s"] > 0
        for tenant in run["tenants"].values():
            assert set(tenant) >= TENANT_KEYS
        for share in ("share_promised", "share_received"):
            assert sum(t[share] for t in run["tenants"].values()) == pytest.approx(1)


def test_the_exit_code_is_the_verdict(played: Played) -> None:
    code, content, _, _ = played
    assert code == (0 if content["verdict"]["pass"] else 1)


def test_taking_turns_is_seen_to_be_fairer_than_a_queue(played: Played) -> None:
    _, content, _, _ = played
    fair, control = content["runs"]["vtc"], content["runs"]["fcfs"]
    assert fair["tenants"]["chat"]["ttft_p50_s"] < control["tenants"]["chat"]["ttft_p50_s"]
    assert fair["jain"] > control["jain"]
    assert content["verdict"]["ttft_ratio"] < 1


def test_each_phase_has_a_gateway_of_its_own_and_the_same_chat(played: Played) -> None:
    _, _, _, gateways = played
    assert gateways.presets == ["vtc", "fcfs", "vtc"]
    chats = [
        {
            body["messages"][0]["content"]
            for body, key in zip(server.bodies, server.keys, strict=True)
            if key == "key-c"
        }
        for server in gateways.servers
    ]
    assert len(chats[0]) == 16  # 15 of the traffic, one to warm up
    assert chats[1] <= chats[0]
    assert chats[2] <= chats[0]


def test_a_screen_that_is_no_terminal_gets_plain_lines_of_80_columns(played: Played) -> None:
    _, content, screen, _ = played
    assert "\x1b" not in screen
    table = screen[screen.index("first token ms") :]
    assert max(len(line) for line in table.splitlines()) <= 80
    flat = " ".join(screen.split())
    assert content["verdict"]["reason"] in flat
    for word in ("1/3 alone", "2/3 fcfs", "3/3 vtc", "Jain", "tokens/s", *KEYS):
        assert word in flat


def test_the_control_has_two_phases_and_no_verdict_to_miss() -> None:
    gateways, screen = Gateways(), io.StringIO()
    assert play(DemoOptions(seconds=1, policy="fcfs"), gateways, screen) == 0
    assert gateways.presets == ["fcfs", "fcfs"]
    flat = " ".join(screen.getvalue().split())
    assert "2/2 fcfs" in flat
    assert "NOTE fcfs is the control" in flat


@pytest.mark.parametrize("policy", [name for name, p in PRESETS.items() if not p.is_fair][:3])
def test_a_policy_without_a_bound_runs_and_is_no_failure(policy: str) -> None:
    gateways, screen = Gateways(), io.StringIO()
    assert play(DemoOptions(seconds=1, policy=policy), gateways, screen) == 0
    assert "states no bound" in " ".join(screen.getvalue().split())


def test_a_gateway_that_refuses_ends_the_demo_with_what_to_do() -> None:
    with pytest.raises(DemoError, match=r"401: not today.*check that the engine runs"):
        play(DemoOptions(seconds=1), Gateways(status=401), io.StringIO())
