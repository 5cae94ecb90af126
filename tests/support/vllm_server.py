"""The real vLLM on the CPU behind its own HTTP server, with a tiny model of random weights.

    async with vllm_server(folder, "--max-num-seqs", "2") as url: ...

Only where vLLM is installed: it is started with the Python that runs the tests. Ready within a minute or
two; nothing of it is left after the block.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.raw_http import exchange
from support.tiny_model import write_config, write_tokenizer

MODEL = "tiny"
READY_S_MAX = 300
_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
_OPTIONS = (
    *("--load-format", "dummy", "--dtype", "bfloat16", "--enforce-eager", "--block-size", "32"),
    *("--max-model-len", "2048", "--max-num-batched-tokens", "512", "--enable-prefix-caching"),
    *("--enable-prompt-tokens-details", "--host", "127.0.0.1", "--served-model-name", MODEL),
)


@asynccontextmanager
async def vllm_server(folder: Path, *options: str) -> AsyncIterator[str]:
    """Its URL, once it serves."""
    model = write_config(folder / "model")
    write_tokenizer(model, sorted(Path(os.__file__).parent.glob("*.py"))[:40])
    port, log = _free_port(), folder / "vllm.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)),
            *(*_OPTIONS, "--port", str(port), *options),
            stdin=DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )
    try:
        await _serves(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        await _end(process)


async def _serves(process: Process, port: int, log: Path) -> None:
    async with asyncio.timeout(READY_S_MAX):
        while True:
            if process.returncode is not None:
                raise AssertionError(_last_words(log))
            with contextlib.suppress(OSError, EOFError):
                head = "GET /health HTTP/1.1\r\nHost: vllm\r\nConnection: close"
                if (await exchange("127.0.0.1", port, head, b"")).status == 200:
                    return
            await asyncio.sleep(0.5)


async def _end(process: Process) -> None:
    """It and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(90):
            await process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]
