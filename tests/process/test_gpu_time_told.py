"""Where the scheduler inside an engine says whose its time was, that is what the gateway books."""

import asyncio
from pathlib import Path
from typing import Any

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.step_time import StepOwner
from evenhand.inengine.step_time_file import StepTimeFile, gpu_time
from evenhand.model import ApplicationName
from support.gpu_time import check_gpu_time, gpu_rows
from support.on_loop import run_on_loop
from support.scripted_engine import Answer, ScriptedEngine
from support.serve import configuration, serving, url_engine

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hello there"}],
    "max_tokens": 400,
}
A = StepOwner(("a",), ApplicationName("search"))
B = StepOwner(("b",), ApplicationName("batch"))


async def steps(inside: StepTimeFile, seconds: float) -> None:
    """One after the other, of which one tenant has three times the tokens of the other."""
    ends_s = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < ends_s:
        inside.times.begun({A: 3, B: 1})
        await asyncio.sleep(0.02)
        inside.times.done()


def test_what_the_engine_tells_is_booked_in_place_of_the_estimate(tmp_path: Path) -> None:
    told = tmp_path / "gpu-time.json"

    async def main() -> None:
        inside = gpu_time(InEngineSettings(gpu_time_file=str(told)))
        assert inside is not None
        async with ScriptedEngine(models=("m",)) as engine:
            engine.default = Answer(tokens=50, token_delay_s=0.05)
            far = url_engine(engine.url, gpus=4, gpu_time_file=str(told))
            config = configuration(far, state={"folder": "state"})
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                await served.logged("gpu_time_file", read=True)
                asked = asyncio.create_task(served.post(CHAT))
                await steps(inside, 3.5)
                assert (await asked).status == 200
                told.unlink()
                inside.close()
                told.unlink()
                await served.logged("gpu_time_file", read=False)
                assert await served.stop() == 0

    run_on_loop(main, limit_s=60)
    database = tmp_path / "state" / "evenhand.db"
    check_gpu_time(database, gpus=4)
    exact = {row["tenant"]: row for row in gpu_rows(database) if row["kind"] == "exact"}
    assert set(exact) == {"a", "b"}
    assert exact["a"]["gpu_us"] > 2 * exact["b"]["gpu_us"] > 2_000_000
    names = ("application", "key", "model")
    assert [exact["a"][name] for name in names] == ["search", "", "m"]
