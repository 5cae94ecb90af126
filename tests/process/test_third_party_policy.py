"""The worked example, installed: chosen by name, explained, served, and not a line edited elsewhere."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.scripted_engine import ScriptedEngine
from support.serve import KEY_A, configuration, serving, url_engine
from support.third_party import EXAMPLE, install_example

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    install_example(folder)
    return folder


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def evenhand(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(site, "-m", "evenhand", *words)


def written(folder: Path, policy: object) -> Path:
    file = folder / "evenhand.yaml"
    engine = url_engine("http://127.0.0.1:9")
    file.write_text(json.dumps(configuration(engine, policy=policy)))
    return file


def test_its_own_tests_pass(site: Path) -> None:
    options = ("-q", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE))
    answer = run(site, "-m", "pytest", *options, str(EXAMPLE / "tests"))
    assert answer.returncode == 0, answer.stdout


def test_check_takes_it_with_its_parameters_and_refuses_others(site: Path, tmp_path: Path) -> None:
    sound = written(tmp_path, {"preset": "shortest-first", "settings": {"ageing_units_per_s": 7}})
    answer = evenhand(site, "check", "--no-secrets", str(sound))
    assert answer.returncode == 0, answer.stderr
    policy = yaml.safe_load(answer.stdout)["policy"]
    assert (policy["preset"], policy["settings"]) == ("shortest-first", {"ageing_units_per_s": 7})
    for setting, words in (
        ("ageing_units_per_s=0", "must be a whole number from 1 to 1000000, not 0"),
        ("aging_units_per_s=5", "unknown parameter; did you mean ageing_units_per_s?"),
        ("half_life_s=5", "belongs to order least-attained, which is not part of this policy"),
    ):
        answer = evenhand(site, "check", "--no-secrets", "--set", setting, str(sound))
        assert answer.returncode == 1
        assert f"--set {setting.partition('=')[0]}: {words}" in answer.stderr


def test_without_the_package_the_name_is_unknown(tmp_path: Path) -> None:
    file = written(tmp_path, {"preset": "shortest-first"})
    answer = evenhand(tmp_path, "check", "--no-secrets", str(file))
    assert answer.returncode == 1
    assert "policy.preset: must be a policy of `evenhand policies`" in answer.stderr


def test_it_is_listed_unloaded_and_explained_by_name(site: Path) -> None:
    assert "Installed packages offer: shortest-first" in evenhand(site, "policies").stdout
    told = evenhand(site, "policies", "shortest-first").stdout
    assert "ageing_units_per_s" in told
    assert "preset: shortest-first" in told


def test_a_gateway_serves_with_it(site: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with ScriptedEngine(models=("m",)) as engine:
            whole = configuration(url_engine(engine.url), policy={"preset": "shortest-first"})
            environment = {"PYTHONPATH": str(site)}
            async with serving(whole, folder=tmp_path, environment=environment) as served:
                await served.logged("engine", up=True)
                answer = await served.post(CHAT, key=KEY_A)
                assert answer.status == 200
                assert await served.stop() == 0

    asyncio.run(main())
