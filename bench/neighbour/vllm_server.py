"""vLLM's server on the CPU with a tiny random model, in processes that do not outlive us."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from bench.neighbour.answering import answer
from bench.neighbour.engine import MODEL, Engine, SkippedError
from bench.neighbour.tiny_model import CONTEXT_TOKENS

BATCH_TOKENS = 512
"""Tokens of a step at most."""
NO_PREFIX_CACHE = ("--no-enable-prefix-caching",)
"""Every arm asks the same: what one has asked must not be at hand for the next."""
ROOT = Path(__file__).parents[2]
_PYTHON = "EVENHAND_VLLM_PYTHON"
_OWN = ROOT / ".venv-vllm" / "bin" / "python"
_INSTALLED = f"`make test-vllm` installs it where it can, or name a Python that has it in {_PYTHON}"
_READY_S_MAX = 300.0
_LAST_WORDS = 2_000
# A child whose standard input is a pipe of ours: when we are gone, however that was, so is its group.
_WITH_US = 'exec 3<&0; (cat <&3 >/dev/null; kill -KILL 0) & exec "$@" </dev/null 3<&-'
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONPATH": str(ROOT / "src"),
}
STOCK: tuple[str, ...] = ()
BY_PRIORITY = ("--scheduling-policy", "priority")


def plugged(settings: Mapping[str, object] = MappingProxyType({})) -> tuple[str, ...]:
    """The options that put the core into the scheduler."""
    told = json.dumps({"evenhand": {"trust_hints": True, **settings}})
    return (
        *("--scheduler-cls", "evenhand.inengine.vllm.FairScheduler"),
        *("--additional-config", told),
    )


def python() -> Path:
    """An interpreter that has vLLM. Raises SkippedError."""
    named = os.environ.get(_PYTHON)
    found = Path(named) if named else _OWN
    if not found.exists():
        raise SkippedError(
            f"{named} of {_PYTHON} is no file" if named else f"no vLLM; {_INSTALLED}"
        )
    has_vllm = "from importlib.util import find_spec; raise SystemExit(not find_spec('vllm'))"
    if subprocess.run((str(found), "-P", "-c", has_vllm), check=False).returncode:  # noqa: S603
        raise SkippedError(
            f"{named} has no vLLM" if named else f"no vLLM in {_OWN.parts[-3]}; {_INSTALLED}"
        )
    return found


@asynccontextmanager
async def servers(kinds: Sequence[Sequence[str]], *, slots: int) -> AsyncIterator[list[Engine]]:
    """A server for each list of options, all at the same time: an idle one takes no CPU."""
    interpreter = python()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evenhand-vllm-")))
        model = folder / "model"
        _make_model(interpreter, model)
        started = []
        for number, options in enumerate(kinds):
            log = folder / f"{number}.log"
            process, port = _started(interpreter, model, options, slots, log)
            stack.callback(_end, process)
            started.append((process, f"http://127.0.0.1:{port}", log))
        engines = []
        for process, url, log in started:
            await _serves(url, process, log)
            told = json.loads(await answer(url, "/version") or b"{}").get("version", "")
            engines.append(Engine(kind="vllm", url=url, pid=process.pid, version=told))
        yield engines


def _make_model(interpreter: Path, folder: Path) -> None:
    script = Path(__file__).with_name("tiny_model.py")
    # -P: what stands beside the script hides no package.
    command = (str(interpreter), "-P", str(script), str(folder))
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        raise SkippedError(f"no model could be made: {made.stderr[-_LAST_WORDS:]}")


def _started(
    interpreter: Path, model: Path, options: Sequence[str], slots: int, log: Path
) -> tuple["subprocess.Popen[bytes]", int]:
    port = _free_port()
    command = (
        *(str(interpreter), "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model), "--served-model-name", MODEL),
        *("--load-format", "dummy", "--dtype", "bfloat16", "--enforce-eager"),
        *("--max-model-len", str(CONTEXT_TOKENS), "--max-num-seqs", str(slots)),
        *("--host", "127.0.0.1", "--port", str(port), "--disable-uvicorn-access-log"),
        *options,
    )
    with log.open("wb") as told:
        process = subprocess.Popen(  # noqa: S603
            ("/bin/sh", "-c", _WITH_US, "sh", *command),
            stdin=subprocess.PIPE,
            stdout=told,
            stderr=subprocess.STDOUT,
            env=os.environ | _ENVIRONMENT,
            process_group=0,
        )
    return process, port


async def _serves(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_READY_S_MAX):
            while process.poll() is None:
                if await answer(url, "/health") is not None:
                    return
                await asyncio.sleep(0.5)
    said = log.read_text(errors="replace")[-_LAST_WORDS:]  # noqa: ASYNC240
    raise SkippedError(f"vLLM did not serve; it said: {said}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
