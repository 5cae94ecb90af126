"""The signals of the real vLLM: every name that is read is told by the installed version, and means what
it is taken for."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evenhand.cli.config import look_outside, read
from evenhand.cli.probe.examination import examine
from evenhand.cli.probe.finding import Verdict
from evenhand.engines.http import EngineAddress
from evenhand.engines.signals import SignalWatch, WatchSettings, reader_for
from evenhand.model import EngineReport
from support.on_loop import run_on_loop
from support.raw_http import exchange
from support.serve import SECRETS, configuration, url_engine
from support.vllm_server import MODEL, READY_S_MAX, vllm_server

PROMPT = " ".join(str(number) for number in range(100))
SLOTS = 2
BLOCKS = 40


class Heard:
    """All reports; nothing else may be told of an engine that is well."""

    def __init__(self) -> None:
        self.reports: list[EngineReport] = []
        self.words: list[str] = []

    def on_report(self, report: EngineReport, now_ms: int) -> None:
        self.reports.append(report)

    def on_stale(self, reason: str) -> None:
        raise AssertionError(reason)

    def on_missing(self, names: tuple[str, ...]) -> None:
        raise AssertionError(names)

    def on_restart(self, evidence: str) -> None:
        raise AssertionError(evidence)

    def on_signals(self, words: str) -> None:
        self.words.append(words)

    async def next(self) -> EngineReport:
        """One that was read after this was asked."""
        count = len(self.reports) + 2
        async with asyncio.timeout(60):
            while len(self.reports) < count:  # noqa: ASYNC110 - reports come by a callback
                await asyncio.sleep(0.05)
        return self.reports[-1]


async def complete(url: str, tokens: int) -> dict[str, Any]:
    """The usage of one completion."""
    body = {"model": MODEL, "prompt": PROMPT, "max_tokens": tokens, "ignore_eos": True}
    place = urlsplit(url)
    head = "POST /v1/completions HTTP/1.1\r\nHost: vllm\r\nContent-Type: application/json"
    assert place.hostname is not None
    assert place.port is not None
    answer = await exchange(place.hostname, place.port, head, json.dumps(body).encode())
    assert answer.status == 200, answer.body
    return dict(answer.json["usage"])


def test_the_installed_vllm_tells_all_that_is_read_and_it_means_what_it_is_taken_for(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        # So little memory that two of these answers do not fit to their end.
        scarce = (
            *("--max-num-seqs", str(SLOTS), "--max-model-len", "1024"),
            *("--num-gpu-blocks-override", str(BLOCKS)),
        )
        async with vllm_server(tmp_path, *scarce) as url:
            heard, reader = Heard(), reader_for("vllm")
            assert reader is not None
            patient = WatchSettings(interval_ms=100, timeout_ms=30_000, stale_ms=60_000)
            watch = SignalWatch(EngineAddress.parse(url), reader, heard, settings=patient)
            watch.start()
            try:
                await check(url, heard)
            finally:
                await watch.stop()
            await check_probe(url, tmp_path)

    run_on_loop(main, limit_s=READY_S_MAX + 240)


async def check(url: str, heard: Heard) -> None:
    idle = await heard.next()
    assert None not in {
        *(idle.running, idle.waiting, idle.kv_used_permille, idle.preemptions),
        *(idle.input_tokens, idle.cached_input_tokens, idle.output_tokens),
    }, heard.words
    assert (idle.running, idle.waiting, idle.preemptions) == (0, 0, 0)
    assert (idle.block_tokens, idle.blocks) == (32, BLOCKS)
    usages = await asyncio.gather(*(complete(url, 650) for _ in range(5)))
    rest = await heard.next()
    assert (rest.running, rest.waiting) == (0, 0)
    assert rest.output_tokens == sum(usage["completion_tokens"] for usage in usages)
    assert rest.input_tokens == sum(usage["prompt_tokens"] for usage in usages)
    cached = sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in usages)
    assert cached > 0
    assert rest.cached_input_tokens == cached
    busy = heard.reports
    assert max(report.running or 0 for report in busy) == SLOTS
    assert max(report.waiting or 0 for report in busy) >= 5 - SLOTS
    # Read twice a second: the peak may be missed.
    assert max(report.kv_used_permille or 0 for report in busy) > 700
    assert rest.preemptions is not None
    assert rest.preemptions > 0


async def check_probe(url: str, folder: Path) -> None:
    file = folder / "evenhand.yaml"
    file.write_text(json.dumps(configuration(url_engine(url, models=[MODEL]))))
    loaded = read(file)
    (found,) = await examine(loaded.config, look_outside(loaded, SECRETS))
    odd = {f.topic: f for f in found.findings if f.verdict is not Verdict.OK}
    assert set(odd) == {"signal slots", "protection", "KV events", "plug-in"}, odd
    says = {finding.topic: finding.says for finding in found.findings}
    assert says["trust domains"] == "cache_salt is heeded: another salt found nothing"
