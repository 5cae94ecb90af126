"""`evenhand simulate`, run as a person would."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from evenhand.cli.main import app

WORKLOAD = "vtc/overload"
SMALL = ("--set", "seconds=20", "--set", "sequences_max=4")
ENGINE = ("--engine", "h100-llama-3.1-8b")


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["simulate", *map(str, words)])


def simulated(*words: str | Path) -> Result:
    result = run(WORKLOAD, *ENGINE, *SMALL, *words)
    assert result.exit_code == 0, result.output
    return result


def as_json(file: Path, *words: str) -> Any:
    simulated("--json", file, *words)
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("simulate") / "figures.json"
    return as_json(file, "--policy", "fcfs,vtc", "--processes", "1")


POLICY_KEYS = {
    *("makespan_s", "tokens_per_s", "requests", "refused", "hit_rate", "jain_all_active"),
    *("service_difference", "tenants", "interactions", "served_share"),
}
TENANT_KEYS = {
    *("requests", "completed", "refused", "ttft_mean_s", "ttft_p50_s", "ttft_p90_s", "ttft_p99_s"),
    *("latency_p50_s", "latency_p99_s", "service", "share_promised", "share_received"),
    "wasted_tokens",
}


def test_the_json_has_what_is_promised(document: Any) -> None:
    assert list(document["policies"]) == ["fcfs", "vtc"]
    for run in document["policies"].values():
        assert run.keys() >= POLICY_KEYS
        assert run["service_difference"].keys() == {"max", "mean", "var"}
        interactions = {"completed", "throttled", "delayed", "wasted_tokens"}
        assert run["interactions"].keys() >= interactions
        assert run["served_share"].keys() == {"users", "interactions"}
        assert list(run["tenants"]) == ["client-0", "client-1"]
        for tenant in run["tenants"].values():
            assert tenant.keys() >= TENANT_KEYS
        assert run["requests"] == 90
        assert run["jain_all_active"] is not None


def test_the_json_says_what_it_takes_to_do_it_again(document: Any) -> None:
    inputs = document["inputs"]
    assert (inputs["workload"], inputs["seed"], inputs["engines"]) == (WORKLOAD, 1, 1)
    assert inputs["engine"]["name"] == "h100-llama-3.1-8b"
    assert inputs["settings"]["sequences_max"] == 4
    assert inputs["dials"] == ["seconds=20"]
    assert inputs["policies"]["vtc"]["fair"] is True
    assert inputs["version"]


def test_equal_inputs_give_equal_bytes_in_one_process_or_two(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one", "again", "two")]
    for file, processes in zip(files, ("1", "1", "2"), strict=True):
        simulated("--policy", "fcfs,vtc", "--processes", processes, "--json", file)
    assert len({file.read_bytes() for file in files}) == 1


def test_another_seed_gives_another_run(tmp_path: Path) -> None:
    one = as_json(tmp_path / "1", "--policy", "vtc", "--seed", "1")
    two = as_json(tmp_path / "2", "--policy", "vtc", "--seed", "2")
    assert one["policies"] != two["policies"]


def test_the_screen_has_every_policy_and_tenant_and_says_who_gains() -> None:
    told = simulated("--policy", "fcfs,vtc", "--processes", "1").stdout
    for word in ("fcfs", "vtc", "client-0", "client-1", "instead of fcfs", "throughput"):
        assert word in told
    assert "gain" in told or "difference" in told
    assert max(map(len, told.splitlines())) <= 110


def test_nothing_on_stderr_where_nobody_looks() -> None:
    assert not simulated("--policy", "vtc").stderr


def test_a_policy_may_have_its_own_values(tmp_path: Path) -> None:
    label = "dlpm:quantum_tokens=8000:prediction=none"
    document = as_json(tmp_path / "f", "--policy", f"dlpm,{label}", "--processes", "1")
    inputs = document["inputs"]["policies"]
    assert list(inputs) == ["dlpm", label]
    assert inputs[label]["settings"]["quantum_tokens"] == 8000
    assert inputs[label]["parts"]["prediction"] == "none"
    assert inputs["dlpm"]["settings"]["quantum_tokens"] == 4000


def test_a_shared_value_goes_to_those_that_have_it_and_their_own_counts_more(
    tmp_path: Path,
) -> None:
    policies = "vtc,dlpm,drr:quantum_tokens=500"
    words = ("--policy", policies, "--set", "quantum_tokens=900", "--processes", "1")
    inputs = as_json(tmp_path / "f", *words)["inputs"]["policies"]
    assert "quantum_tokens" not in inputs["vtc"]["settings"]
    assert inputs["dlpm"]["settings"]["quantum_tokens"] == 900
    assert inputs["drr:quantum_tokens=500"]["settings"]["quantum_tokens"] == 500


def test_the_oracle_is_a_simulators_privilege(tmp_path: Path) -> None:
    document = as_json(tmp_path / "f", "--policy", "vtc", "--set", "prediction=oracle")
    assert document["inputs"]["policies"]["vtc"]["parts"]["prediction"] == "oracle"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--policy", "vtx"), ("did you mean vtc?",)),
        (("--policy", "vtc,vtc"), ("twice",)),
        (("--policy", "vtc,"), ("empty",)),
        (("--policy", "dlpm:quantum=8000"), ("quantum_tokens",)),
        (("--policy", "vtc", "--set", "window"), ("KEY=VALUE",)),
        (("--policy", "vtc", "--set", "windw=3"), ("windw", "did you mean window?", "kv_tokens")),
        (("--policy", "vtc", "--set", "nonsense=3"), ("nonsense", "rate", "patience_s")),
        (("--policy", "vtc", "--set", "window=0"), ("--set window", "from 1")),
        (("--policy", "vtc", "--set", "window=2.5"), ("whole number",)),
        (("--policy", "vtc", "--set", "window=1", "--set", "window=2"), ("twice",)),
        (("--policy", "vtc", "--set", "quantum_tokens=900"), ("quantum_tokens", "remove it")),
        (("--policy", "vtc", "--set", "prediction=magic"), ("no such prediction", "oracle")),
        (("--policy", "vtc", "--set", "seconds=much"), ("seconds", "number")),
        (("--policy", "vtc", "--engines", "0"), ("--engines", "1 to")),
        (("--policy", "vtc", "--engine", "h1000"), ("h1000", "h100-llama-3.1-8b")),
    ],
)
def test_what_cannot_be_run_is_refused_with_what_to_write(
    words: tuple[str, ...], told: tuple[str, ...]
) -> None:
    result = run(WORKLOAD, *ENGINE, *words)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    for text in told:
        assert text in result.stderr


def test_a_workload_that_there_is_not() -> None:
    result = run("vtc/overlod", *ENGINE, "--policy", "vtc")
    assert result.exit_code == 1
    assert "vtc/overload" in result.stderr


def test_a_file_that_cannot_be_written() -> None:
    result = run(WORKLOAD, *ENGINE, *SMALL, "--policy", "vtc", "--json", "/no/such/folder/f")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_the_mix_loads_the_engines_to_a_part(tmp_path: Path) -> None:
    """Under half a load it lasts about twice as long as under a whole one."""
    lasted = []
    for load in ("0.4", "0.8"):
        file = tmp_path / f"{load}.json"
        dials = ("--set", "requests=1500", "--set", f"load={load}", "--set", "agents=0")
        policy = ("--policy", "vtc", "--json", file)
        result = run("mix", *policy, "--engine", "l40s-llama-3.1-8b", *dials)
        assert result.exit_code == 0, result.output
        lasted.append(json.loads(file.read_text())["policies"]["vtc"]["makespan_s"])
    assert 1.6 < lasted[0] / lasted[1] < 2.2


def test_the_page_is_written_and_says_how_to_do_it_again(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    simulated("--policy", "fcfs,vtc", "--processes", "1", "--html", file)
    text = file.read_text()
    assert "vtc/overload under fcfs and vtc" in text
    assert "evenhand simulate vtc/overload --policy fcfs,vtc --engine h100-llama-3.1-8b" in text
    assert "--set seconds=20" in text


def test_a_file_of_traffic(tmp_path: Path) -> None:
    trace = tmp_path / "traffic.jsonl"
    rows = [
        {"timestamp": 10 * n, "input_length": 50, "output_length": 9, "tenant": f"acme/{n % 2}"}
        for n in range(40)
    ]
    trace.write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = tmp_path / "figures.json"
    result = run(trace, *ENGINE, "--policy", "vtc", "--set", "requests=30", "--json", file)
    assert result.exit_code == 0, result.output
    document = json.loads(file.read_text())
    assert document["policies"]["vtc"]["requests"] == 30
    assert list(document["policies"]["vtc"]["tenants"]) == ["acme/0", "acme/1"]
    assert document["inputs"]["synthetic"] is False


def test_a_file_that_nobody_can_read(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello\n")
    result = run(file, *ENGINE, "--policy", "vtc")
    assert result.exit_code == 1
    assert "no known format" in result.stderr


def test_an_engine_that_hosts_the_scheduler_has_no_gateways_settings() -> None:
    result = run(WORKLOAD, "--engine", "a10g-llama-2-7b", "--policy", "vtc", "--set", "window=3")
    assert result.exit_code == 1
    assert "--set window" in result.stderr
    assert "hosts the scheduler itself" in result.stderr


def test_vtc_evens_out_what_fcfs_does_not_on_the_engine_of_its_paper(tmp_path: Path) -> None:
    file = tmp_path / "f"
    words = ("--engine", "a10g-llama-2-7b", "--policy", "fcfs,vtc", "--processes", "1")
    result = run(WORKLOAD, *words, "--set", "seconds=120", "--json", file)
    assert result.exit_code == 0, result.output
    policies = json.loads(file.read_text())["policies"]
    assert policies["vtc"]["jain_all_active"] > 0.99 > policies["fcfs"]["jain_all_active"] + 0.05
