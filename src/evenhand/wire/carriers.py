"""Fields by which a client could tell an engine who it is, how urgent it is, or whose cache to use.

Identity comes from the key alone, so none of these ever reaches an engine; the gateway sets its own.
Headers need no list: none is copied through.
"""

CARRIERS = frozenset(
    {
        # Who asks (OpenAI, LiteLLM, AIBrix).
        "user",
        "safety_identifier",
        "metadata",
        "litellm_metadata",
        "tags",
        # How urgent it is (vLLM and SGLang: `priority`, of opposite polarity; OpenAI: `service_tier`).
        "priority",
        "service_tier",
        "nvext",
        # Whose cache, which slot, which replica.
        "cache_salt",
        "cache_prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "extra_key",
        "id_slot",
        "slot_id",
        "session_id",
        "session_params",
        "data_parallel_rank",
        "routed_dp_rank",
        "bootstrap_host",
        "bootstrap_port",
        "bootstrap_room",
        "kv_transfer_params",
        "ec_transfer_params",
        # Free-form bags that schedulers read (vLLM, SGLang), and ids that engines log and abort by.
        "vllm_xargs",
        "custom_params",
        "custom_labels",
        "request_id",
        "rid",
        "routing_key",
        # Which adapter: a model by another name, past the key's rights (SGLang, llama.cpp).
        "lora_path",
        "lora",
        # Where to send it: never the client's to say (LiteLLM).
        "api_base",
        "base_url",
        "api_key",
    }
)
"""Top-level members taken out of every body, in any case: some readers of JSON ignore it."""
