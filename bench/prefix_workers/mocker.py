"""Some of NVIDIA Dynamo's simulated engines, each behind a frontend of its own: they take little CPU
and keep blocks of prompts as vLLM does, shared by all that runs, least recently used dropped first.

Needs a Python with ai-dynamo and ai-dynamo-runtime (1.6.1 was used), named by its path.
"""

import asyncio
import json
import os
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.prefix_workers.traffic import MODEL, WORDS

BLOCK_TOKENS = 32
_READY_S_MAX = 60.0
_LOOPBACK = dict.fromkeys(
    (
        "DYN_TCP_RPC_HOST",
        "DYN_EVENT_PLANE_HOST",
        "DYN_TCP_RESPONSE_STREAM_HOST",
        "DYN_SYSTEM_HOST",
    ),
    "127.0.0.1",
)
_PLANES = (
    *("--discovery-backend", "file"),
    *("--request-plane", "tcp"),
    *("--event-plane", "zmq"),
)


@asynccontextmanager
async def mockers(
    python: Path, folder: Path, count: int, *, seats: int, blocks: int
) -> AsyncIterator[list[dict[str, Any]]]:
    """So many, each of which computes `seats` requests at once and keeps `blocks` blocks, as the
    gateway's configuration names them. Raises TimeoutError where they do not come up."""
    model = folder / "model"
    write_word_model(model)
    async with AsyncExitStack() as stack:
        engines = []
        for number in range(count):
            port, events, replay = (_free_port() for _ in range(3))
            place = {"DYN_FILE_KV": str(folder / f"discovery-{number}"), "HF_HUB_OFFLINE": "1"}
            environment = os.environ | _LOOPBACK | place
            engine = ["--model-path", str(model), "--model-name", MODEL]
            engine += ["--num-workers", "1", "--max-num-seqs", str(seats)]
            engine += ["--num-gpu-blocks-override", str(blocks), "--block-size", str(BLOCK_TOKENS)]
            engine += ["--zmq-kv-events-ports", str(events), "--zmq-replay-ports", str(replay)]
            front = ["--http-host", "127.0.0.1", "--http-port", str(port)]
            for module, arguments in (("mocker", engine), ("frontend", front)):
                process = await asyncio.create_subprocess_exec(
                    *(str(python), "-m", f"dynamo.{module}", *arguments, *_PLANES),
                    stdout=DEVNULL,
                    stderr=DEVNULL,
                    env=environment,
                )
                stack.push_async_callback(_end, process)
            told = {"endpoint": f"tcp://127.0.0.1:{events}", "replay": f"tcp://127.0.0.1:{replay}"}
            engines.append({"kind": "vllm", "url": f"http://127.0.0.1:{port}", "kv_events": told})
        async with asyncio.timeout(_READY_S_MAX):
            for one in engines:
                await _serves(str(one["url"]))
        yield engines


def write_word_model(folder: Path) -> None:
    """A tokenizer for which every word of the traffic is a token, and as much of a model's description
    as a simulator wants."""
    folder.mkdir(exist_ok=True)
    special = ["<unk>", "<s>", "</s>"]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS])}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {
                "id": number,
                "content": word,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for number, word in enumerate(special)
        ],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
    }
    template = "{% for m in messages %}<s> {{ m['content'] }} </s> {% endfor %}"
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "chat_template": template,
        "model_max_length": 32_768,
    }
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 32_768,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "bfloat16",
    }
    for name, content in (
        ("tokenizer.json", tokenizer),
        ("tokenizer_config.json", described),
        ("config.json", config),
    ):
        (folder / name).write_text(json.dumps(content))


async def _serves(url: str) -> None:
    """Return when it lists its model."""
    host, port = url.removeprefix("http://").split(":")
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /v1/models HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            if f'"id":"{MODEL}"'.encode() in answer:
                return
        except OSError:
            pass  # it does not listen yet
        await asyncio.sleep(0.2)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
