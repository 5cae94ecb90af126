"""Nothing a client types but its key says who it is, how urgent it is, or whose cache it uses.

Every form below carries FORGED, or LIFT where a number is wanted. It is sent beside a plain request
of the same key; either it is refused, or tenant, charge, lane and the engine's own copy are the same.
"""

import json
from typing import Any

import pytest

from evenhand.model import TrustDomain
from evenhand.wire.dialect import EngineKind
from support.gateway import KEY_A, KEY_B, Backend, RunningGateway, Setup, gateway, identity
from support.on_loop import run_on_loop
from support.raw_http import RawAnswer, exchange
from support.scripted_engine import ScriptedEngine

FORGED = "forged-b"
LIFT = 987_654_321
PATH = "/v1/chat/completions"
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hello there"}],
    "max_tokens": 8,
}

HEADERS = [
    *("x-llm-d-inference-fairness-id", "x-gateway-inference-fairness-id", "user", "x-tenant-id"),
    *("x-ai-eg-model", "x-litellm-end-user-id", "x-litellm-tags", "x-litellm-priority"),
    *("x-llm-d-inference-objective", "x-gateway-inference-objective", "x-smg-priority"),
    *("x-dynamo-meta-policy-class", "x-vllm-priority", "x-override-priority"),
    *("x-dynamo-request-priority", "x-dynamo-request-strict-priority"),
    *("x-llm-d-slo-ttft-ms", "x-llm-d-slo-tpot-ms", "x-session-id", "session-id"),
    *("x-session-affinity", "x-claude-code-session-id", "x-dynamo-session-id"),
    *("x-smg-routing-key", "x-litellm-session-id", "x-request-id", "x-client-request-id"),
    *("request-id", "x-override-rid", "x-litellm-call-id", "traceparent", "tracestate"),
    *("openai-organization", "openai-project", "x-api-key", "x-goog-api-key", "api-key", "x-bf-vk"),
    *("idempotency-key", "x-gateway-destination-endpoint", "x-gateway-destination-endpoint-subset"),
    *("x-data-parallel-rank", "x-override-routed-dp-rank", "x-evenhand-tenant"),
    *("x-evenhand-priority", "x-forwarded-for", "x-forwarded-user", "x-real-ip", "forwarded"),
    *("via", "cookie", "proxy-authorization", "x-http-method-override", "x-original-url"),
    *("x-stainless-retry-count", "baggage", "x-amzn-trace-id", "te", "keep-alive"),
]
UNDERSCORE_TWINS = ["x_tenant_id", "x_vllm_priority", "session_id", "x-evenhand_tenant"]
MEMBERS: dict[str, Any] = {
    "user": FORGED,
    "safety_identifier": FORGED,
    "prompt_cache_key": FORGED,
    "prompt_cache_retention": FORGED,
    "service_tier": FORGED,
    "metadata": {"tenant": FORGED, "deep": {"user": [FORGED]}},
    "litellm_metadata": {"user_api_key_team_id": FORGED},
    "tags": [FORGED],
    "priority": LIFT,
    "cache_salt": FORGED,
    "cache_prompt": FORGED,
    "extra_key": FORGED,
    "session_id": FORGED,
    "session_params": {"id": FORGED},
    "id_slot": LIFT,
    "slot_id": LIFT,
    "rid": FORGED,
    "request_id": FORGED,
    "data_parallel_rank": LIFT,
    "routed_dp_rank": LIFT,
    "routing_key": FORGED,
    "bootstrap_host": FORGED,
    "bootstrap_port": LIFT,
    "bootstrap_room": LIFT,
    "kv_transfer_params": {"remote_host": FORGED},
    "nvext": {"agent_hints": {"priority": LIFT, "strict_priority": LIFT}},
    "vllm_xargs": {"priority": LIFT},
    "custom_params": {"user": FORGED},
    "custom_labels": {"tenant": FORGED},
    "api_base": FORGED,
    "base_url": FORGED,
    "api_key": FORGED,
}
ESCAPED = {
    r"prio\u0072ity": LIFT,
    r"\u0070\u0072\u0069\u006f\u0072\u0069\u0074\u0079": LIFT,
    r"cache\u005Fsalt": FORGED,
    r"\u0075ser": FORGED,
    r"\u006evext": {"agent_hints": {"priority": LIFT}},
    r"metad\u0061ta": {"tenant": FORGED},
}
QUERIES = [
    "user",
    "tenant",
    "api_key",
    "priority",
    "cache_salt",
    "key",
    "x-tenant-id",
    "session_id",
]
INTERACTIONS = ["b", "tenant:b", "a.b", "priority-987654321", f"cache_salt:{FORGED}"]


def with_member(name: str, value: Any) -> bytes:
    """`name` as written, escapes and all."""
    return json.dumps(CHAT)[:-1].encode() + f', "{name}": {json.dumps(value)}}}'.encode()


Form = tuple[str, str, list[str], bytes, str]
"""What it is called, the key sent, more header lines, the body, the path."""
PLAIN = json.dumps(CHAT).encode()
FORMS: list[Form] = [
    *((f"header {n}", KEY_A, [f"{n}: {FORGED}"], PLAIN, PATH) for n in HEADERS),
    *((f"header {n.upper()}", KEY_A, [f"{n.upper()}: {LIFT}"], PLAIN, PATH) for n in HEADERS[:4]),
    *((f"twin {n}", KEY_A, [f"{n}: {FORGED}"], PLAIN, PATH) for n in UNDERSCORE_TWINS),
    *((f"member {n}", KEY_A, [], with_member(n, v), PATH) for n, v in MEMBERS.items()),
    *((f"escaped {n}", KEY_A, [], with_member(n, v), PATH) for n, v in ESCAPED.items()),
    *((f"query {n}", KEY_A, [], PLAIN, f"{PATH}?{n}={FORGED}") for n in QUERIES),
    *(
        (f"interaction {n}", KEY_A, [f"X-Evenhand-Interaction: {n}"], PLAIN, PATH)
        for n in INTERACTIONS
    ),
    ("authorization again", KEY_A, [f"Authorization: Bearer {KEY_B}"], PLAIN, PATH),
    ("authorization again, other case", KEY_A, [f"aUTHORIZATION: Bearer {KEY_B}"], PLAIN, PATH),
    ("two keys in one value", f"{KEY_A}, Bearer {KEY_B}", [], PLAIN, PATH),
    ("two keys and a space", f"{KEY_A} {KEY_B}", [], PLAIN, PATH),
    ("another's key besides", KEY_A, [f"x-api-key: {KEY_B}", f"api-key: {KEY_B}"], PLAIN, PATH),
    ("another's key in the query", KEY_A, [], PLAIN, f"{PATH}?api_key={KEY_B}"),
    ("another's key in the body", KEY_A, [], with_member("api_key", KEY_B), PATH),
    ("a twin of authorization", KEY_A, [f"author_ization: Bearer {KEY_B}"], PLAIN, PATH),
    ("a listed header to be dropped", KEY_A, ["Connection: authorization"], PLAIN, PATH),
    ("a member twice", KEY_A, [], with_member("max_tokens", 1), PATH),
    ("a member twice, escaped", KEY_A, [], with_member(r"m\u006fdel", "m"), PATH),
    (
        "a carrier twice, escaped once",
        KEY_A,
        [],
        with_member("priority", 1)[:-1] + rb', "prio\u0072ity": 987654321}',
        PATH,
    ),
    (
        "a salt behind a string that ends in a backslash",
        KEY_A,
        [],
        with_member("stop", "\\")[:-1] + f', "cache_salt": "{FORGED}"}}'.encode(),
        PATH,
    ),
    ("a carrier first", KEY_A, [], f'{{"user": "{FORGED}", '.encode() + PLAIN[1:], PATH),
]
HARMLESS = {"stop"}
"""Members that a form may add and that the engine gets, as it should."""


def test_there_are_as_many_forms_as_it_takes() -> None:
    assert len({form[0] for form in FORMS}) == len(FORMS) >= 120


@pytest.mark.parametrize("kind", [EngineKind.VLLM, EngineKind.LLAMACPP, EngineKind.OPENAI])
def test_no_form_changes_who_pays_how_much_or_what_the_engine_sees(kind: EngineKind) -> None:
    async def main() -> None:
        keys = {
            KEY_A: identity("a", trust_domain=TrustDomain("one")),
            KEY_B: identity("b", trust_domain=TrustDomain("two")),
        }
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine, kind=kind), setup=Setup(keys=keys)) as g,
        ):
            plain = await send(g, ("plain", KEY_A, [], PLAIN, PATH))
            assert plain.status == 200
            refused = 0
            for form in FORMS:
                served = len(engine.requests)
                answer = await send(g, form)
                if len(engine.requests) == served:
                    assert 400 <= answer.status < 500, form
                    refused += 1
                    continue
                assert answer.status == 200, form
                _assert_same(engine, form)
            await g.ended(len(engine.requests))
            told = {
                (r["tenant"], r["units"], r["lane"], r["application"], r["engine"])
                for r in g.records
                if r["outcome"] == "completed"
            }
            assert len(told) == 1
            assert told.pop()[0] == ("a",)
            assert g.scheduler.tree.leaf(("b",)).service_units == 0
            assert 8 <= refused < len(FORMS) / 4

    run_on_loop(main)


def _assert_same(engine: ScriptedEngine, form: Form) -> None:
    plain, sent = engine.requests[0], engine.requests[-1]
    seen = sent.json
    for member in HARMLESS:
        seen.pop(member, None)
    assert seen == plain.json, form
    assert sent.path == PATH, form
    assert _fixed(sent.headers) == _fixed(plain.headers), form
    raw = sent.body.decode() + str(sent.headers)
    for canary in (FORGED, str(LIFT), KEY_A, KEY_B):
        assert canary not in raw, form
    assert sent.header("x-request-id") != FORGED


def _fixed(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Less what differs between any two requests."""
    return [field for field in headers if field[0] not in {"x-request-id", "content-length"}]


async def send(g: RunningGateway, form: Form) -> RawAnswer:
    _, key, lines, body, path = form
    head = [f"POST {path} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {key}", *lines]
    return await exchange(g.host, g.port, "\r\n".join(head), body)


@pytest.mark.parametrize("kind", [EngineKind.VLLM, EngineKind.SGLANG, EngineKind.LLAMACPP])
def test_no_member_passes_with_embeddings_either(kind: EngineKind) -> None:
    async def main() -> None:
        asked = {"model": "m", "input": ["hello there"]}
        async with ScriptedEngine() as engine, gateway(Backend(engine, kind=kind)) as g:
            for name, value in (MEMBERS | {"PRIORITY": LIFT, "Lora_Path": FORGED}).items():
                answer = await g.post(asked | {name: value}, path="/v1/embeddings")
                assert answer.status == 200, name
                assert engine.requests[-1].json == asked, name
            records = await g.ended(len(MEMBERS) + 2)
            assert {(r["tenant"], r["units"]) for r in records} == {(("a",), 20)}

    run_on_loop(main)


def test_each_trust_domain_has_its_own_salt_and_nobody_can_name_it() -> None:
    async def main() -> None:
        keys = {
            KEY_A: identity("a", trust_domain=TrustDomain("one")),
            KEY_B: identity("b", trust_domain=TrustDomain("two")),
        }
        async with (
            ScriptedEngine() as engine,
            gateway(Backend(engine), setup=Setup(keys=keys)) as g,
        ):
            await g.post(CHAT, key=KEY_A)
            await g.post(CHAT, key=KEY_B)
            salt_a, salt_b = (request.json["cache_salt"] for request in engine.requests)
            assert salt_a != salt_b
            await g.post(CHAT | {"cache_salt": salt_b}, key=KEY_A)
            assert engine.requests[-1].json["cache_salt"] == salt_a

    run_on_loop(main)


def test_an_interaction_of_another_tenant_is_only_a_name() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            named = {"X-Evenhand-Interaction": "int_of_b"}
            await g.post(CHAT, key=KEY_B, headers=named)
            await g.post(CHAT, key=KEY_A, headers=named)
            records = await g.ended(2)
            assert [record["tenant"] for record in records] == [("b",), ("a",)]
            assert all("int_of_b" not in str(request.headers) for request in engine.requests)

    run_on_loop(main)


def test_a_second_authorization_is_refused_whoever_it_names() -> None:
    async def main() -> None:
        async with ScriptedEngine() as engine, gateway(Backend(engine)) as g:
            for second in (KEY_A, KEY_B, ""):
                more = [f"Authorization: Bearer {second}"]
                answer = await send(g, ("", KEY_A, more, PLAIN, PATH))
                assert (answer.status, answer.json["error"]["code"]) == (400, "bad_request")
            assert not engine.requests

    run_on_loop(main)
