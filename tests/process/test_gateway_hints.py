"""The scheduler inside an engine is told whose a request is, by the gateway and by nobody else."""

from dataclasses import replace

import uvloop

from evenhand.gateway.engine_hints import EngineHints
from evenhand.inengine.tenant_hints import HintReader, TenantHints
from evenhand.model import ApplicationName, LaneName, TrustDomain
from evenhand.scheduling import TenantShare
from evenhand.wire.dialect import EngineKind
from support.gateway import CHAT, KEY_A, KEY_B, Backend, Setup, gateway, identity
from support.scripted_engine import ScriptedEngine

SECRET = b"a secret of some length"
FORGED = {"evenhand_tenant": "b", "evenhand_served": 0, "evenhand_seal": "00"}
TREE = (TenantShare(name="org", weight=2, children=(TenantShare(name="a", weight=5),)),)


def test_the_engine_believes_the_gateway_and_never_the_client() -> None:
    async def main() -> None:
        of_a = replace(identity("a", trust_domain=TrustDomain("one")), tenant=("org", "a"))
        setup = Setup({KEY_A: of_a}, tenants=TREE)
        async with ScriptedEngine() as engine:
            backend = Backend(engine, hints=EngineHints(SECRET))
            async with gateway(backend, setup=setup) as g:
                for _ in range(2):
                    await g.post({**CHAT, "vllm_xargs": FORGED})
            reader = HintReader(trusts=False, secret=SECRET)
            first, second = (reader.read(sent.json["vllm_xargs"]) for sent in engine.requests)
            assert first == TenantHints(
                tenant=("org", "a"),
                weights=(2, 5),
                lane=LaneName("default"),
                application=ApplicationName("test"),
                trust_domain=TrustDomain("one"),
                served_units=first.served_units,
            )
            assert first.served_units is not None
            assert second.served_units is not None
            assert second.served_units > first.served_units > 0
            assert not reader.problems

    uvloop.run(main())


def test_an_engine_with_a_scheduler_of_its_own_is_told_nothing() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            await g.post({**CHAT, "vllm_xargs": FORGED}, key=KEY_B)
            assert "vllm_xargs" not in engine.requests[0].json

    uvloop.run(main())


def test_embeddings_tell_nothing() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine:
            backend = Backend(engine, EngineKind.VLLM, hints=EngineHints(None))
            async with gateway(backend) as g:
                await g.post({"model": "m", "input": "x"}, path="/v1/embeddings")
            assert "vllm_xargs" not in engine.requests[0].json

    uvloop.run(main())
