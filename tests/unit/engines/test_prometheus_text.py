"""The reader of Prometheus' text format against hostile text, and against the format's own library."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from evenhand.engines.signals.metrics_page import read_metrics
from evenhand.engines.signals.prometheus_text import LINE_BYTES_MAX, LINES_MAX, samples
from evenhand.engines.signals.spellings import SGLANG, VLLM

NAME = "vllm:num_requests_running"

_bits = st.sampled_from(
    [
        *(NAME.encode(), b"vllm:cache_config_info", b"vllm:prompt_tokens_total", b"\n", b"\r\n"),
        *(b"{", b"}", b'"', b"=", b",", b"\\", b" ", b"\t", b"#", b"engine", b'engine="0"'),
        *(b"block_size", b'{block_size="16"}', b"1", b"-1", b"1.5", b"1e9", b"NaN", b"+Inf"),
        *(
            b"1e999999",
            b"\x00",
            b"\xff\xfe",
            "é".encode(),
            b"9" * 50,
            b"process_start_time_seconds",
        ),
    ]
)


@given(st.lists(_bits, max_size=60).map(b"".join) | st.binary(max_size=300))
def test_whatever_the_page_nothing_raises_and_nothing_is_made_up(page: bytes) -> None:
    for table in (VLLM, SGLANG):
        reading = read_metrics(page, table)
        for field, name in reading.found.items():
            assert name.encode() in page
            assert getattr(reading.report, field) is not None
    for name, found in samples(page, [NAME]).items():
        assert found
        assert name.encode() in page


@given(
    st.dictionaries(
        st.tuples(st.text(max_size=8), st.text(max_size=8)),
        st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False, width=32),
        max_size=6,
    )
)
def test_what_the_library_writes_is_read_as_the_library_reads_it(
    values: dict[tuple[str, str], float],
) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("g", "of\nlines\\", ["one", "two"], registry=registry)
    Gauge("g_and_more", "another", registry=registry).set(7)
    Counter("c", "a counter", registry=registry).inc(3)
    Histogram("h", "buckets", registry=registry).observe(1)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
    page = generate_latest(registry)
    ours = samples(page, ["g", "c_total", "absent"])
    assert ours.keys() == ({"g", "c_total"} if values else {"c_total"})
    theirs = {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name == "g"
    }
    read = {
        tuple(sorted((key, _plain(said)) for key, said in sample.labels.items())): sample.value
        for sample in ours.get("g", [])
    }
    assert read == theirs


def _plain(written: str) -> str:
    """Without the format's escapes."""
    out, escaped = "", False
    for char in written:
        if escaped:
            out += "\n" if char == "n" else char
        elif char != "\\":
            out += char
        escaped = char == "\\" and not escaped
    return out


def test_blanks_timestamps_and_commas_at_the_end_are_of_the_format() -> None:
    page = f'{NAME}{{ a = "1" , b="2", }}  3 1700000000\n'.encode()
    ((found,),) = samples(page, [NAME]).values()
    assert found == ({"a": "1", "b": "2"}, 3.0)


def test_a_name_that_begins_alike_is_another() -> None:
    page = f"{NAME}_by_reason 5\n{NAME}s 6\nx{NAME} 7\n# {NAME} 8\n"
    assert samples(page.encode(), [NAME]) == {}


def test_a_name_with_too_many_series_is_left_out_whole() -> None:
    page = "".join(f'{NAME}{{engine="{n}"}} 1\n' for n in range(LINES_MAX))
    assert len(samples(page.encode(), [NAME])[NAME]) == LINES_MAX
    page += f'{NAME}{{engine="more"}} 1\n'
    assert samples(page.encode(), [NAME]) == {}


def test_a_line_that_is_too_long_is_no_sample_and_is_not_cut_into_one() -> None:
    page = f'{NAME}{{a="'.encode() + b"x" * LINE_BYTES_MAX + b'"} 1\n'
    assert samples(page, [NAME]) == {}
    padded = NAME.encode() + b" " * (LINE_BYTES_MAX - 1) + b"12\n"
    assert samples(padded, [NAME]) == {}
    assert samples(NAME.encode() + b" " * 1000 + b"12", [NAME])[NAME] == [({}, 12.0)]


def test_of_equal_lines_the_last_counts() -> None:
    ((found,),) = samples(f"{NAME} 1\n{NAME} 2\n".encode(), [NAME]).values()
    assert found.value == 2
