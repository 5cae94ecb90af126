"""The gateway of a phase is `evenhand serve` in a process of its own."""

import asyncio
from pathlib import Path

import pytest

from evenhand.cli.config import Policy, chosen, read
from evenhand.cli.demo.gateway_process import EngineBehind, configuration, gateway_process
from evenhand.cli.demo.options import DemoError, DemoOptions
from evenhand.cli.demo.warm_up import warm_up
from evenhand.engines.http import ClientSettings, EngineAddress, EngineClient
from evenhand.scheduling import PRESETS
from support.scripted_engine import ScriptedEngine

KEYS = {"chat": "key-of-the-chat-tenant", "batch": "key-of-the-batch-tenant"}


def test_the_configuration_is_valid_and_names_no_secret(tmp_path: Path) -> None:
    engine = EngineBehind(url="http://127.0.0.1:9", kind="llamacpp", model="demo", window=4)
    text = configuration(
        engine, policy=Policy(preset="fcfs"), tenants={"chat": "KEY_0", "batch": "KEY_1"}
    )
    file = tmp_path / "gateway.yaml"
    file.write_bytes(text)
    config = read(file).config
    assert config.policy.preset == "fcfs"
    assert [tenant.weight for tenant in config.tenants] == [1, 1]
    assert config.engines[0].window == 4


@pytest.mark.parametrize("preset", PRESETS)
def test_every_policy_has_a_valid_configuration(tmp_path: Path, preset: str) -> None:
    engine = EngineBehind(url="http://127.0.0.1:9", kind="llamacpp", model="demo", window=4)
    if PRESETS[preset].prediction.name == "oracle":
        return
    asked = DemoOptions(policy=preset).policy_section
    file = tmp_path / "gateway.yaml"
    file.write_bytes(configuration(engine, policy=asked, tenants={"chat": "KEY_0"}))
    values = PRESETS[preset].values()
    if "quantum_tokens" in values:
        values["quantum_tokens"] = 600  # short rounds
    assert chosen(read(file).config.policy).values() == values


def test_a_phase_has_a_gateway_that_knows_its_keys_and_ends_with_it() -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("demo",)) as engine:
            behind = EngineBehind(url=engine.url, kind="openai", model="demo", window=2)
            async with gateway_process(behind, policy=Policy(), keys=KEYS) as base_url:
                address = EngineAddress.parse(base_url)
                for key in KEYS.values():
                    bearer = [("authorization", f"Bearer {key}")]
                    client = EngineClient(address, ClientSettings(), headers=bearer)
                    await warm_up([client], model="demo")
                    await client.close()
            assert len(engine.requests) == 2
            with pytest.raises(OSError, match=r"refused|Connect call failed"):
                await asyncio.open_connection(address.host, address.port)

    asyncio.run(main())


def test_a_gateway_that_cannot_start_says_why() -> None:
    async def main() -> None:
        behind = EngineBehind(url="no url at all", kind="openai", model="demo", window=2)
        with pytest.raises(DemoError, match=r"the gateway did not start; it said: .*url"):
            async with gateway_process(behind, policy=Policy(), keys=KEYS):
                pass

    asyncio.run(main())
