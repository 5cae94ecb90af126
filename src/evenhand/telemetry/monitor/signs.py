"""What clients send that a gateway elsewhere would obey: hints of identity and of urgency.

None of it is ever obeyed here (identity comes from the key), so noticing it costs nobody a request.
Fields that OpenAI's own API has, and ids for tracing, are no hints.
"""

from collections.abc import Mapping

FORGED_HEADERS = frozenset(
    {
        *("x-llm-d-inference-fairness-id", "x-gateway-inference-fairness-id", "x-tenant-id"),
        *("x-litellm-end-user-id", "x-litellm-priority", "x-evenhand-tenant"),
        *("x-evenhand-priority", "x-forwarded-user"),
        *("x-llm-d-inference-objective", "x-gateway-inference-objective", "x-smg-priority"),
        *("x-dynamo-meta-policy-class", "x-vllm-priority", "x-override-priority"),
        *("x-dynamo-request-priority", "x-dynamo-request-strict-priority"),
        *("x-llm-d-slo-ttft-ms", "x-llm-d-slo-tpot-ms", "x-smg-routing-key"),
        *("x-data-parallel-rank", "x-override-routed-dp-rank", "x-gateway-destination-endpoint"),
    }
)
FORGED_MEMBERS = frozenset(
    {
        *("priority", "nvext", "cache_salt", "cache_prompt", "extra_key", "id_slot", "slot_id"),
        *("data_parallel_rank", "routed_dp_rank", "bootstrap_host", "bootstrap_room"),
        *("kv_transfer_params", "vllm_xargs", "custom_params", "routing_key", "lora_path"),
        *("api_base", "base_url"),
    }
)
"""Of a body; a part of what is taken out of every one."""

RETRY_COUNT = "x-stainless-retry-count"
"""The OpenAI SDK says in it how often it has sent the same request before."""


TELLING_HEADERS = FORGED_HEADERS | {RETRY_COUNT}
"""Whoever sends none of them neither forges nor resends."""


def forges(headers: Mapping[str, str]) -> bool:
    """Whether there is such a header."""
    return not FORGED_HEADERS.isdisjoint(headers)


def resends(headers: Mapping[str, str]) -> bool:
    """Whether the client says that it has sent this before."""
    return headers.get(RETRY_COUNT, "0") != "0"
