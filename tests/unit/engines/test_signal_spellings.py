"""What is made of the pages that engines write of themselves."""

import re

import pytest

from evenhand.engines.signals import NotOfferedError, foreign_kind
from evenhand.engines.signals.metrics_page import read_metrics, refuse_foreign
from evenhand.engines.signals.spellings import LLAMACPP, SGLANG, TRTLLM, VLLM, Spellings
from evenhand.model import EngineReport
from support.recorded_pages import VLLM_0_32, recorded

TABLES = {"vllm": VLLM, "sglang": SGLANG, "llamacpp": LLAMACPP, "trtllm": TRTLLM}


def report(text: str, spellings: Spellings = VLLM) -> EngineReport:
    return read_metrics(text.encode(), spellings).report


def test_a_real_page_of_vllm_is_read_whole() -> None:
    reading = read_metrics(recorded(VLLM_0_32), VLLM)
    assert reading.report == EngineReport(
        running=2,
        waiting=0,
        kv_used_permille=1,
        preemptions=0,
        input_tokens=6010,
        cached_input_tokens=4608,
        output_tokens=3274,
        block_tokens=128,
        blocks=4096,
    )
    assert reading.found.keys() == VLLM.keys()
    assert reading.started_s == 1.79567307525e09


@pytest.mark.parametrize("field", sorted(VLLM))
def test_a_name_that_is_gone_from_a_real_page_makes_its_field_none_and_never_zero(
    field: str,
) -> None:
    page = recorded(VLLM_0_32)
    for spelling in VLLM[field]:
        page = re.sub(rb"(?m)^" + spelling.name.encode() + rb"[{ ].*\n", b"", page)
    reading = read_metrics(page, VLLM)
    assert getattr(reading.report, field) is None
    assert field not in reading.found


@pytest.mark.parametrize("spellings", TABLES.values(), ids=TABLES)
def test_an_empty_page_tells_nothing(spellings: Spellings) -> None:
    reading = read_metrics(b"", spellings)
    assert reading.report == EngineReport()
    assert not reading.found
    assert not reading.counters


def test_older_names_are_read_where_the_newer_are_not_there() -> None:
    old = 'vllm:gpu_cache_usage_perc{model_name="m"} 0.25\nvllm:prefix_cache_hits_total 7\n'
    assert report(old) == EngineReport(kv_used_permille=250, cached_input_tokens=7)
    both = old + 'vllm:kv_cache_usage_perc{model_name="m"} 0.5\n'
    assert report(both).kv_used_permille == 500


def test_ranks_of_vllm_add_up_and_the_fullest_counts() -> None:
    page = (
        'vllm:num_requests_running{engine="0",model_name="m"} 3.0\n'
        'vllm:num_requests_running{engine="1",model_name="m"} 4.0\n'
        'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.1\n'
        'vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.9\n'
        'vllm:prompt_tokens_total{engine="0",model_name="m"} 1e3\n'
        'vllm:prompt_tokens_total{engine="1",model_name="m"} 2e3\n'
        # Of several ranks each tells the blocks of all.
        'vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="800"} 1.0\n'
        'vllm:cache_config_info{block_size="16",engine="1",num_gpu_blocks="800"} 1.0\n'
    )
    assert report(page) == EngineReport(
        running=7, kv_used_permille=900, input_tokens=3000, block_tokens=16, blocks=800
    )


def test_shards_of_sglang_count_once_and_its_parts_by_priority_not_at_all() -> None:
    def line(name: str, value: int, **labels: object) -> str:
        inside = ",".join(f'{key}="{said}"' for key, said in labels.items())
        return f'sglang:{name}{{model_name="m",{inside}}} {value}.0\n'

    page = (
        line("num_running_reqs", 5, tp_rank=0, dp_rank=0, priority="")
        + line("num_running_reqs", 2, tp_rank=0, dp_rank=0, priority=9)
        + line("num_running_reqs", 3, tp_rank=0, dp_rank=0, priority=1)
        + line("num_running_reqs", 5, tp_rank=1, dp_rank=0, priority="")
        + line("num_running_reqs", 7, tp_rank=2, dp_rank=1, priority="")
        # Tokens are counted apart by what was asked; all of them are needed.
        + line("prompt_tokens_total", 10, is_streaming="True", priority=9)
        + line("prompt_tokens_total", 20, is_streaming="False", priority="")
        + line("cached_tokens_total", 4, cache_source="device")
        + line("cached_tokens_total", 1, cache_source="host")
        + line("page_size", 1, tp_rank=0, dp_rank=0)
        + line("num_pages", 900, tp_rank=0, dp_rank=0)
        + line("num_pages", 900, tp_rank=1, dp_rank=0)
    )
    assert report(page, SGLANG) == EngineReport(
        running=12, input_tokens=30, cached_input_tokens=5, block_tokens=1, blocks=900
    )


def test_tensorrt_llm_is_read() -> None:
    page = (
        'trtllm_num_requests_running{engine_type="trtllm"} 5.0\n'
        'trtllm_num_requests_waiting{engine_type="trtllm"} 3.0\n'
        'trtllm_kv_cache_utilization{engine_type="trtllm"} 0.6\n'
        'trtllm_max_num_active_requests{engine_type="trtllm"} 10.0\n'
        'trtllm_kv_cache_tokens_per_block{engine_type="trtllm"} 64.0\n'
        'trtllm_kv_cache_max_blocks{engine_type="trtllm"} 1000.0\n'
    )
    assert report(page, TRTLLM) == EngineReport(
        running=5, waiting=3, kv_used_permille=600, slots=10, block_tokens=64, blocks=1000
    )


@pytest.mark.parametrize(
    "value", ["NaN", "+Inf", "-1", "1e400", "nonsense", "0x10", "1_000", "", "9" * 100]
)
def test_a_value_that_cannot_be_meant_is_not_taken_for_zero(value: str) -> None:
    assert report(f"vllm:num_requests_running {value}\n").running is None


def test_a_ratio_a_little_over_the_whole_is_the_whole_and_a_percentage_is_not_read() -> None:
    assert report("vllm:kv_cache_usage_perc 1.02").kv_used_permille == 1000
    assert report("vllm:kv_cache_usage_perc 55.0").kv_used_permille is None


def test_an_info_label_that_is_no_number_is_not_told() -> None:
    assert (
        report('vllm:cache_config_info{block_size="None",num_gpu_blocks="-1"} 1.0').blocks is None
    )


def test_an_engine_of_another_kind_is_recognised() -> None:
    page = recorded(VLLM_0_32)
    assert foreign_kind(page, "vllm") is None
    assert foreign_kind(page, "sglang") == "vllm"
    assert foreign_kind(b"process_start_time_seconds 1\n", "vllm") is None
    with pytest.raises(NotOfferedError, match="write `kind: vllm`"):
        refuse_foreign(read_metrics(page, SGLANG), page, "sglang")
