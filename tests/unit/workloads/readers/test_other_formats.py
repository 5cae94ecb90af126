"""BurstGPT, Qwen-Bailian, the VTC artifact, ServeGen."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from evenhand.workloads.readers import open_trace, trace_recipe
from support.shared_data import shared_file

_BURST = (
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"
)
_OLD_BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"


def written(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(lines) + "\n")
    return file


def refused(file: Path, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        open_trace(file)


class TestBurstGpt:
    def test_models_are_tenants(self, tmp_path: Path) -> None:
        file = written(
            tmp_path / "burst.csv",
            _BURST,
            "5.5,s1,3.2,ChatGPT,472,18,490,Conversation log",
            "45,,2,GPT-4,1087.0,230,1317,API log",
        )
        workload = open_trace(file)
        first, second = workload.asks
        assert (first.at_ms, second.at_ms) == (0, 39_500)
        assert (first.tenant, second.tenant) == (("ChatGPT",), ("GPT-4",))
        assert (first.application, second.application) == ("Conversation log", "API log")
        assert (second.input_tokens, second.output_tokens) == (1087, 230)
        by_session = open_trace(file, {"by": "session"})
        assert [ask.tenant for ask in by_session.asks] == [("s1",), ("row-3",)]

    def test_its_first_release_has_no_sessions(self, tmp_path: Path) -> None:
        file = written(tmp_path / "b.csv", _OLD_BURST, "5,ChatGPT,472,18,490,Conversation log")
        assert open_trace(file).size == 1

    def test_requests_that_failed_are_told(self, tmp_path: Path) -> None:
        file = written(tmp_path / "b.csv", _OLD_BURST, "5,ChatGPT,472,0,472,API log")
        refused(file, "line 2: Response tokens is 0")

    @pytest.mark.parametrize(
        "line", ["x,ChatGPT,1,1,2,API log", "1,,1,1,2,API log", "1,ChatGPT,?,1,2,API log"]
    )
    def test_bad_rows_are_told(self, tmp_path: Path, line: str) -> None:
        refused(written(tmp_path / "b.csv", _OLD_BURST, line), "line 2: ")


class TestBailian:
    @staticmethod
    def chat(chat: Any, parent: Any, at: Any, tokens: int, **more: Any) -> str:
        row = {"chat_id": chat, "parent_chat_id": parent, "timestamp": at, "turn": 1}
        row |= {"input_length": tokens, "output_length": 9, "type": "text"}
        return orjson.dumps(row | more).decode()

    def test_turns_wait_and_conversations_are_sessions(self, tmp_path: Path) -> None:
        file = written(
            tmp_path / "qwen.jsonl",
            self.chat(159, -1, 61.114, 40, hash_ids=[1, 2, 3]),
            self.chat(170, -1, 61.2, 10, hash_ids=[9]),
            self.chat(200, 159, 62.114, 70, hash_ids=[1, 2, 4, 5, 6]),
        )
        workload = open_trace(file)
        first, _, third = workload.asks
        assert (third.at_ms, third.after, first.is_awaited) == (1000, (0,), True)
        assert first.application == "text"
        assert [tokens for _, tokens in third.prompt] == [32, 38]
        assert third.prompt[0].content == first.prompt[0].content
        spread = [ask.tenant for ask in open_trace(file, {"by": "session"}).asks]
        assert spread == [("159",), ("170",), ("159",)]

    def test_bad_rows_are_told(self, tmp_path: Path) -> None:
        file = tmp_path / "qwen.jsonl"
        good = self.chat(1, -1, 0, 16)
        for row, words in (
            (self.chat("a", -1, 0, 16), "chat_id is 'a'"),
            (self.chat(1, -1, 0, 16), "its id 1 is another row's"),
            (self.chat(2, -1, 0, 16, hash_ids=[1, 2]), "2 blocks of 16 tokens in 16 tokens"),
            (self.chat(2, -1, 0, 16, hash_ids=5), "hash_ids is 5, not a list"),
        ):
            written(file, good, row)
            refused(file, f"line 2: {words}")


class TestVtc:
    def test_clients_are_tenants(self, tmp_path: Path) -> None:
        file = written(
            tmp_path / "vtc.csv", "t_s,client,input_tokens,output_tokens", "0,3,13,199", "1,4,2,1"
        )
        first, second = open_trace(file).asks
        assert (first.tenant, first.input_tokens) == (("client-3",), 13)
        assert (second.tenant, second.at_ms) == (("client-4",), 1000)

    def test_one_of_several_runs_is_chosen(self, tmp_path: Path) -> None:
        header = "run,t_s,client,input_tokens,output_tokens"
        file = written(tmp_path / "runs.csv", header, "a,0,0,1,1", "b,0,0,2,2", "a,1,0,3,3")
        assert [ask.input_tokens for ask in open_trace(file, {"run": "a"}).asks] == [1, 3]
        refused(file, "choose one with --set run=NAME")
        with pytest.raises(ValueError, match="must be one of a, b, none"):
            open_trace(file, {"run": "c"})

    def test_bad_rows_are_told(self, tmp_path: Path) -> None:
        header = "t_s,client,input_tokens,output_tokens"
        refused(written(tmp_path / "a.csv", header, "inf,0,1,1"), "line 2: t_s is 'inf'")
        refused(written(tmp_path / "a.csv", header, "0,/,1,1"), "line 2: tenant")

    def test_the_arena(self) -> None:
        workload = open_trace(shared_file("vtc_arena_real_trace.csv"))
        asks = list(workload.asks)
        assert (len(asks), len(workload.tenants)) == (1500, 27)
        assert sum(ask.input_tokens for ask in asks) / 1500 == pytest.approx(136, rel=0.005)
        assert sum(ask.output_tokens for ask in asks) / 1500 == pytest.approx(256, rel=0.005)

    def test_a_measured_run(self) -> None:
        file = shared_file("vtc_gpu_runs.csv.gz")
        assert open_trace(file, {"run": "VTC/all_results_overload"}).size == 1620


class TestServeGen:
    _WINDOWS = "model,client,t_s,rate_rps,cv,pattern,p1,p2"
    _LEVELS = ("p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99")

    def made(self, folder: Path, *windows: str) -> Path:
        names = [f"{way}_{level}" for way in ("in", "out") for level in self._LEVELS]
        lengths = [str(10 * n) for n in range(1, 10)] * 2
        written(
            folder / "servegen_clients.csv",
            ",".join(("model", "client", *names)),
            ",".join(("m", "0", *lengths)),
            "m,1",
            ",".join(("other", "0", *[""] * 18)),
        )
        return written(folder / "windows.csv", self._WINDOWS, *windows)

    def test_asks_are_drawn_with_rate_and_burst_of_each_client(self, tmp_path: Path) -> None:
        file = self.made(
            tmp_path, "m,0,0,9,1,Gamma,1,0.1", "m,1,0,1,1,Weibull,1,1", "m,0,3600,2,1,Gamma,1,1"
        )
        workload = open_trace(file, {"requests": 50_000})
        asks = list(workload.asks)
        assert len(asks) == workload.size == 50_000
        assert all(a.at_ms <= b.at_ms for a, b in itertools.pairwise(asks))
        hour = [ask for ask in asks if ask.at_ms < 3_600_000]
        counts = Counter(ask.tenant for ask in hour)
        assert counts["client-0",] / 3600 == pytest.approx(9, rel=0.05)
        assert counts["client-1",] / 3600 == pytest.approx(1, rel=0.1)
        later = [ask for ask in asks if 3_600_000 <= ask.at_ms < 7_200_000]
        assert len(later) / 3600 == pytest.approx(2, rel=0.1)
        inputs = sorted(ask.input_tokens for ask in asks)
        assert (inputs[0], inputs[-1]) == (10, 90)
        assert inputs[25_000] == pytest.approx(50, abs=2)
        assert "median client's: 1" in " ".join(workload.remarks)

    def test_bad_rows_are_told(self, tmp_path: Path) -> None:
        good = "m,0,0,9,1,Gamma,1,0.1"
        for row, words in (
            ("m,0,0,9,1,Normal,1,0.1", "pattern is 'Normal'"),
            ("m,0,0,0,1,Gamma,1,0.1", "rate_rps is 0"),
            ("m,0,0,9,1,Gamma,-1,0.1", "p1 is -1"),
        ):
            file = self.made(tmp_path, good, row)
            refused(file, f"line 3: {words}")
            assert open_trace(file, {"skip_bad": 1, "requests": 10}).remarks

    def test_lengths_must_be_there(self, tmp_path: Path) -> None:
        refused(self.made(tmp_path, "other,0,0,9,1,Gamma,1,0.1"), "no lengths of the model other")
        (tmp_path / "servegen_clients.csv").unlink()
        refused(tmp_path / "windows.csv", "servegen_clients.csv cannot be opened")

    def test_the_large_model(self) -> None:
        """1,023 and 162 tokens on average, weighted by rates; here the first hour of a fortnight."""
        shared_file("servegen_clients.csv")
        file = shared_file("servegen_client_windows.csv.gz")
        dials = {dial.name: dial for dial in trace_recipe(file).dials}
        assert dials["model"].words == ("m-large", "m-mid", "mm-image")
        asks = list(open_trace(file, {"requests": 40_000}).asks)
        assert sum(ask.input_tokens for ask in asks) / 40_000 == pytest.approx(1023, rel=0.4)
        assert sum(ask.output_tokens for ask in asks) / 40_000 == pytest.approx(162, rel=0.4)
