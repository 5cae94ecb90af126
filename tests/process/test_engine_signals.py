"""What is heard of an engine's signals over real sockets, whatever the engine does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from evenhand.engines.http import EngineAddress
from evenhand.engines.signals import SignalWatch, WatchSettings, reader_for
from evenhand.model import EngineReport
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine, page

QUICK = WatchSettings(interval_ms=5, backoff_max_ms=10, timeout_ms=5000, stale_ms=500)
SELDOM = WatchSettings(interval_ms=5, seldom_ms=60_000, timeout_ms=5000, stale_ms=500)
RUNNING = "vllm:num_requests_running 2\n"
WAITING = "vllm:num_requests_waiting 3\n"
TOKENS = "vllm:generation_tokens_total {}\n"


class Heard:
    """Everything that was told, in order."""

    def __init__(self) -> None:
        self.reports: list[EngineReport] = []
        self.stale: list[str] = []
        self.missing: list[tuple[str, ...]] = []
        self.restarts: list[str] = []
        self.words: list[str] = []
        self.order: list[str] = []
        """Of restarts and reports."""
        self.watch: SignalWatch | None = None
        self._more = asyncio.Event()

    def on_report(self, report: EngineReport, now_ms: int) -> None:
        assert now_ms <= asyncio.get_running_loop().time() * 1000
        self.reports.append(report)
        self.order.append("report")
        self._more.set()

    def on_stale(self, reason: str) -> None:
        self.stale.append(reason)
        self._more.set()

    def on_missing(self, names: tuple[str, ...]) -> None:
        self.missing.append(names)
        self._more.set()

    def on_restart(self, evidence: str) -> None:
        self.restarts.append(evidence)
        self.order.append("restart")
        self._more.set()

    def on_signals(self, words: str) -> None:
        self.words.append(words)
        self._more.set()

    async def until(self, seen: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not seen():
                self._more.clear()
                await self._more.wait()

    async def reported(self, **fields: int | None) -> None:
        await self.until(lambda: self.reports and self.reports[-1] == EngineReport(**fields))


@asynccontextmanager
async def watched(
    kind: str, settings: WatchSettings = QUICK, **pages: Answer
) -> AsyncIterator[tuple[ScriptedEngine, Heard]]:
    """An engine that tells these pages ("metrics" is /metrics), and what is heard of it."""
    heard, reader = Heard(), reader_for(kind)
    assert reader is not None
    async with ScriptedEngine() as engine:
        engine.pages = {f"/{name.replace('__', '/')}": answer for name, answer in pages.items()}
        watch = SignalWatch(EngineAddress.parse(engine.url), reader, heard, settings=settings)
        heard.watch = watch
        watch.start()
        try:
            yield engine, heard
        finally:
            await watch.stop()
        assert watch._stale is None, "nothing is told after the end"
    assert len(asyncio.all_tasks()) == 1


def test_what_an_engine_says_is_told_again_and_again() -> None:
    async def main() -> None:
        async with watched("vllm", metrics=page(RUNNING + WAITING)) as (engine, heard):
            await heard.until(lambda: len(heard.reports) >= 3)
            assert set(heard.reports) == {EngineReport(running=2, waiting=3)}
            assert heard.words[0] == "reads running, waiting"
            engine.pages["/metrics"] = page("vllm:num_requests_running 1\n" + WAITING)
            await heard.reported(running=1, waiting=3)
            assert not heard.missing

    run_on_loop(main)


def test_a_name_that_disappears_is_reported_and_its_field_is_none_not_zero() -> None:
    async def main() -> None:
        async with watched("vllm", metrics=page(RUNNING + WAITING)) as (engine, heard):
            await heard.reported(running=2, waiting=3)
            engine.pages["/metrics"] = page(RUNNING)
            await heard.reported(running=2, waiting=None)
            assert heard.missing == [("vllm:num_requests_waiting",)]
            assert heard.words[-1] == (
                "reads running; it no longer tells vllm:num_requests_waiting"
            )
            engine.pages["/metrics"] = page("")
            await heard.reported()
            assert heard.missing[-1] == (
                "vllm:num_requests_running",
                "vllm:num_requests_waiting",
            )
            engine.pages["/metrics"] = page(RUNNING + WAITING)
            await heard.reported(running=2, waiting=3)
            assert len(heard.missing) == 3, "told once for each change"
            assert heard.missing.pop() == ()

    run_on_loop(main)


def test_an_engine_that_is_updated_to_other_names_is_read_on() -> None:
    async def main() -> None:
        old = page("vllm:gpu_cache_usage_perc 0.5\n")
        async with watched("vllm", metrics=old) as (engine, heard):
            await heard.reported(kv_used_permille=500)
            engine.pages["/metrics"] = page("vllm:kv_cache_usage_perc 0.75\n")
            await heard.reported(kv_used_permille=750)
            assert not heard.missing

    run_on_loop(main)


def test_counters_that_go_back_tell_of_a_restart_before_the_report() -> None:
    async def main() -> None:
        async with watched("vllm", metrics=page(TOKENS.format(500))) as (engine, heard):
            await heard.reported(output_tokens=500)
            engine.pages["/metrics"] = page(TOKENS.format(499))
            await heard.reported(output_tokens=499)
            assert heard.restarts == ["vllm:generation_tokens_total went back from 500 to 499"]
            at = heard.order.index("restart")
            told = heard.order[:at].count("report")
            assert {report.output_tokens for report in heard.reports[:told]} == {500}
            assert {report.output_tokens for report in heard.reports[told:]} == {499}
            # Not seen for a while, and then less than before.
            engine.pages["/metrics"] = page("")
            await heard.reported()
            engine.pages["/metrics"] = page(TOKENS.format(3))
            await heard.reported(output_tokens=3)
            assert len(heard.restarts) == 2

    run_on_loop(main)


def test_a_process_that_says_that_it_is_new_is_new_whatever_it_counts() -> None:
    async def main() -> None:
        begun = "process_start_time_seconds {}\n"
        first = page(begun.format("1.7e9") + TOKENS.format(1))
        async with watched("vllm", metrics=first) as (engine, heard):
            await heard.reported(output_tokens=1)
            engine.pages["/metrics"] = page(begun.format("1.8e9") + TOKENS.format(900))
            await heard.reported(output_tokens=900)
            assert heard.restarts == ["its process has started anew"]

    run_on_loop(main)


def test_a_restart_that_is_known_is_not_told_again_and_the_engine_is_read_at_once() -> None:
    async def main() -> None:
        async with watched("vllm", SELDOM, metrics=page(TOKENS.format(500))) as (engine, heard):
            await heard.reported(output_tokens=500)
            engine.pages["/metrics"] = Answer(status=404)
            await heard.until(lambda: len(heard.words) == 2)
            engine.pages["/metrics"] = page(TOKENS.format(1))
            assert heard.watch is not None
            heard.watch.restarted()
            await heard.reported(output_tokens=1)
            assert not heard.restarts

    run_on_loop(main)


def test_silence_makes_the_last_report_stale_once_until_there_is_another() -> None:
    async def main() -> None:
        async with watched("vllm", metrics=page(RUNNING)) as (engine, heard):
            await heard.reported(running=2)
            engine.pages["/metrics"] = Answer(status=503)
            await heard.until(lambda: heard.words[-1] == "none now: GET /metrics answered 503")
            before, stale = len(heard.reports), len(heard.stale)
            assert heard.stale
            await engine.read(len(engine.readings) + 4)
            assert len(heard.stale) == stale
            assert len(heard.reports) == before
            engine.pages["/metrics"] = page(RUNNING)
            await heard.until(lambda: len(heard.reports) > before)
            assert heard.words[-1] == "reads running"
            await engine.crash()
            await heard.until(lambda: "could not connect" in heard.words[-1])
            assert len(heard.stale) > stale

    run_on_loop(main)


def test_an_engine_that_never_answers_is_stale_in_time() -> None:
    async def main() -> None:
        settings = WatchSettings(interval_ms=5, timeout_ms=30_000, stale_ms=500)
        async with watched("vllm", settings, metrics=page(RUNNING)) as (engine, heard):
            await heard.reported(running=2)
            engine.pages["/metrics"] = Answer(hang_before_head=True)
            await heard.until(lambda: heard.stale)
            assert heard.stale == ["it is slow to answer"]

    run_on_loop(main)


def test_an_engine_without_metrics_is_said_once_and_asked_seldom() -> None:
    async def main() -> None:
        async with watched("sglang", SELDOM) as (engine, heard):
            await heard.until(lambda: heard.words)
            await asyncio.sleep(0.1)
            assert heard.words == [
                "none: GET /metrics answered 404: start SGLang with --enable-metrics"
            ]
            assert len(engine.readings) == 1
            assert not heard.reports
            assert not heard.stale

    run_on_loop(main)


def test_an_engine_that_wants_a_credential_says_what_to_do() -> None:
    async def main() -> None:
        async with watched("vllm", SELDOM, metrics=Answer(status=401)) as (_, heard):
            await heard.until(lambda: heard.words)
            assert "give the engine an api_key" in heard.words[0]

    run_on_loop(main)


def test_names_of_another_kind_of_engine_say_which_kind_to_write() -> None:
    async def main() -> None:
        async with watched("vllm", SELDOM, metrics=page("sglang:num_queue_reqs 1\n")) as (_, heard):
            await heard.until(lambda: heard.words)
            assert heard.words == [
                "none: its metrics are those of sglang, not of vllm: write `kind: sglang`"
            ]

    run_on_loop(main)


def test_unknown_names_tell_nothing_and_that_is_said() -> None:
    async def main() -> None:
        async with watched("vllm", metrics=page("vllm:requests_computing 4\n")) as (_, heard):
            await heard.reported()
            assert heard.words == [
                "none: it tells nothing under a name known here; ask `evenhand check --probe`"
            ]

    run_on_loop(main)


def test_a_huge_or_broken_answer_is_a_failure_and_leaves_nothing() -> None:
    async def main() -> None:
        huge = page(b"#" * (5 << 20))
        async with watched("vllm", metrics=huge) as (engine, heard):
            await heard.until(lambda: heard.words)
            assert heard.words[0] == "none now: /metrics: answered more than 4194304 bytes"
            for broken in (
                Answer(raw=b"SSH-2.0-OpenSSH\r\n"),
                Answer(
                    raw=b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nvllm:", closes_after=True
                ),
                Answer(status=302),
            ):
                asked = len(engine.readings)
                engine.pages["/metrics"] = broken
                await engine.read(asked + 2)
            assert not heard.reports
            engine.pages["/metrics"] = page(RUNNING)
            await heard.reported(running=2)

    run_on_loop(main)


def test_a_listener_that_fails_does_not_stop_the_watch() -> None:
    async def main() -> None:
        faults: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: faults.append(context["message"])
        )
        async with watched("vllm", metrics=page(RUNNING)) as (engine, heard):
            await heard.reported(running=2)
            heard.on_missing = heard.missing.index  # type: ignore[assignment, method-assign]
            engine.pages["/metrics"] = page(WAITING)
            await heard.reported(waiting=3)
            assert faults == ["a listener of an engine's signals raised; mend it"]

    run_on_loop(main)


def test_llamacpp_without_metrics_is_read_by_its_slots() -> None:
    async def main() -> None:
        slots = page('[{"id":0,"is_processing":true},{"id":1,"is_processing":false}]')
        off = Answer(status=501)
        async with watched("llamacpp", metrics=off, slots=slots) as (engine, heard):
            await heard.reported(running=1, slots=2)
            engine.pages["/slots"] = page('{"error": "odd"}')
            odd = "none now: /slots answered JSON that is no list"
            await heard.until(lambda: heard.words[-1] == odd)
        async with watched("llamacpp", SELDOM) as (_, heard):
            await heard.until(lambda: heard.words)
            assert "start llama-server with --metrics, or with --slots" in heard.words[0]

    run_on_loop(main)


def test_older_llamacpp_does_not_tell_cached_tokens_apart() -> None:
    async def main() -> None:
        metrics = "llamacpp:prompt_tokens_total 9\nllamacpp:requests_processing 1\n"
        new = metrics + "llamacpp:prompt_tokens_cached_total 5\n"
        props = page('{"total_slots": 4}')
        async with watched("llamacpp", metrics=page(metrics)) as (engine, heard):
            await heard.reported(running=1)
            engine.pages |= {"/metrics": page(new), "/props": props}
            await heard.reported(running=1, input_tokens=14, cached_input_tokens=5)
        async with watched("llamacpp", metrics=page(new), props=props) as (engine, heard):
            await heard.reported(running=1, input_tokens=14, cached_input_tokens=5, slots=4)
            assert [asked.path for asked in engine.readings].count("/props") == 1

    run_on_loop(main)


def test_statistics_of_tensorrt_llm_are_left_alone_where_prometheus_tells_enough() -> None:
    async def main() -> None:
        enough = page("trtllm_num_requests_running 1\ntrtllm_num_requests_waiting 0\n")
        async with watched("trtllm", prometheus__metrics=enough) as (engine, heard):
            await heard.reported(running=1, waiting=0)
            assert {asked.path for asked in engine.readings} == {"/prometheus/metrics"}

    run_on_loop(main)


def test_tensorrt_llm_without_a_new_iteration_keeps_its_settings_and_tells_no_load() -> None:
    async def main() -> None:
        iteration = (
            '[{"iter":1},{"iter":2,"numActiveRequests":5,"numQueuedRequests":3,'
            '"maxNumActiveRequests":10,"kvCacheStats":{"maxNumBlocks":1000,"usedNumBlocks":600,'
            '"tokensPerBlock":64}}]'
        )
        settings = {"slots": 10, "block_tokens": 64, "blocks": 1000}
        async with watched("trtllm", metrics=page(iteration)) as (engine, heard):
            await heard.reported(running=5, waiting=3, kv_used_permille=600, **settings)
            engine.pages["/metrics"] = page("[]")
            await heard.reported(**settings)
            assert not heard.missing, "no iteration is no name that disappeared"

    run_on_loop(main)


def test_nothing_is_asked_of_an_endpoint_that_could_be_anything() -> None:
    assert reader_for("openai") is None
