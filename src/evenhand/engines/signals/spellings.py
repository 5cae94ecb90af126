"""Under which names each kind of engine tells what we want to know, the newest name first.

Names drift between releases. The first that a page has is taken, so an engine may be updated while we
run; a name that nobody tells any more can stay here without harm.
"""

from collections.abc import Mapping
from typing import Final

from evenhand.engines.signals.spelling import Across, Spelling

Spellings = Mapping[str, tuple[Spelling, ...]]
"""By field of `EngineReport`."""


def _requests(*names: str) -> tuple[Spelling, ...]:
    return tuple(Spelling(name=name, across=Across.REPLICAS) for name in names)


def _counter(*names: str) -> tuple[Spelling, ...]:
    return tuple(Spelling(name=name, across=Across.COUNTERS) for name in names)


def _permille(*names: str) -> tuple[Spelling, ...]:
    return tuple(Spelling(name=name, across=Across.FULLEST, times=1000) for name in names)


def _setting(*names: str, label: str | None = None) -> tuple[Spelling, ...]:
    return tuple(Spelling(name=name, across=Across.SAME, label=label) for name in names)


VLLM: Final[Spellings] = {
    "running": _requests("vllm:num_requests_running"),
    "waiting": _requests("vllm:num_requests_waiting"),
    "kv_used_permille": _permille("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    "preemptions": _counter("vllm:num_preemptions_total"),
    "input_tokens": _counter("vllm:prompt_tokens_total"),
    # The oldest, vllm:gpu_prefix_cache_hits, counts blocks.
    "cached_input_tokens": _counter(
        "vllm:prompt_tokens_cached_total", "vllm:prefix_cache_hits_total"
    ),
    "output_tokens": _counter("vllm:generation_tokens_total"),
    # Of several ranks each tells the blocks of all.
    "block_tokens": _setting("vllm:cache_config_info", label="block_size"),
    "blocks": _setting("vllm:cache_config_info", label="num_gpu_blocks"),
}

SGLANG: Final[Spellings] = {
    "running": _requests("sglang:num_running_reqs"),
    "waiting": _requests("sglang:num_queue_reqs"),
    "kv_used_permille": _permille("sglang:token_usage"),
    "preemptions": _counter("sglang:num_retracted_requests_total"),
    "input_tokens": _counter("sglang:prompt_tokens_total"),
    "cached_input_tokens": _counter("sglang:cached_tokens_total"),
    "output_tokens": _counter("sglang:generation_tokens_total"),
    "block_tokens": (
        *_setting("sglang:page_size"),
        *_setting("sglang:cache_config_info", label="page_size"),
    ),
    "blocks": (
        *_requests("sglang:num_pages"),
        *_setting("sglang:cache_config_info", label="num_pages"),
    ),
}

LLAMACPP: Final[Spellings] = {
    "running": _requests("llamacpp:requests_processing"),
    "waiting": _requests("llamacpp:requests_deferred"),
    "kv_used_permille": _permille("llamacpp:kv_cache_usage_ratio"),
    # Without the cached ones; the reader adds them.
    "input_tokens": _counter("llamacpp:prompt_tokens_total"),
    "cached_input_tokens": _counter("llamacpp:prompt_tokens_cached_total"),
    "output_tokens": _counter("llamacpp:tokens_predicted_total"),
}

TRTLLM: Final[Spellings] = {
    "running": _requests("trtllm_num_requests_running"),
    "waiting": _requests("trtllm_num_requests_waiting"),
    "kv_used_permille": _permille("trtllm_kv_cache_utilization"),
    "slots": _setting("trtllm_max_num_active_requests"),
    "input_tokens": _counter("trtllm_prompt_tokens_total"),
    "cached_input_tokens": _counter("trtllm_prompt_cached_tokens_total"),
    "output_tokens": _counter("trtllm_generation_tokens_total"),
    "block_tokens": _setting("trtllm_kv_cache_tokens_per_block"),
    "blocks": _requests("trtllm_kv_cache_max_blocks"),
}

COUNTERS: Final = frozenset({"preemptions", "input_tokens", "cached_input_tokens", "output_tokens"})
"""Fields that only grow while an engine lives."""
