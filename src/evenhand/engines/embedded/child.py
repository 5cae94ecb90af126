"""The process that runs llama.cpp's HTTP server: `python -m evenhand.engines.embedded.child`.

Standard input is the lifeline, standard output carries READY_LINE once the server serves, and
llama.cpp's own chatter goes to standard error, of which no more than LOG_BYTES_MAX are kept.
"""

import argparse
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from evenhand.engines.embedded.lifeline import READY_LINE, die_with_parent

_LOG_BYTES_MAX = 256 * 1024
_BATCH_TOKENS = 512  # the longest a running answer waits for somebody's prompt, in tokens
_VERBOSITY_ERRORS = 1
_POOLING = {
    "last": "LLAMA_POOLING_TYPE_LAST",
    "mean": "LLAMA_POOLING_TYPE_MEAN",
    "cls": "LLAMA_POOLING_TYPE_CLS",
    "model": "LLAMA_POOLING_TYPE_UNSPECIFIED",
}


def main() -> None:
    """Serve until the parent goes or SIGTERM comes; SIGINT is the parent's to judge."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(sys.stdin.fileno())
    # Standard error is a file; past this size its writes fail, which llama.cpp does not mind.
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LOG_BYTES_MAX, _LOG_BYTES_MAX))
    ready = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = _serve(_arguments())
    os.write(ready, READY_LINE)
    os.close(ready)
    while server:
        signal.pause()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evenhand.engines.embedded.child")
    parser.add_argument("--model-file", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--context-tokens", type=int, required=True, help="per slot")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--pooling", choices=_POOLING, help="left out: no embeddings")
    return parser.parse_args()


def _serve(arguments: argparse.Namespace) -> Any:
    """Start llama.cpp's server in this process; it serves for as long as the result is kept."""
    import xllamacpp  # noqa: PLC0415 - an optional extra

    params = xllamacpp.CommonParams()
    params.model.path = str(arguments.model_file)
    params.model_alias = {arguments.model_file.stem}  # else answers tell the file's whole path
    params.offline = True
    params.n_gpu_layers = 0
    params.fit_params = False  # the context asked for, or an error; never quietly less
    params.hostnames = ["127.0.0.1"]
    params.port = arguments.port
    params.reuse_port = True  # the parent reserves the port and does not listen
    params.n_parallel = arguments.slots
    params.n_ctx = arguments.context_tokens * arguments.slots
    params.n_batch = _BATCH_TOKENS
    params.n_ubatch = _BATCH_TOKENS // 2
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.endpoint_props = True
    params.ui = False
    params.verbosity = _VERBOSITY_ERRORS
    _forget_prompts(params)
    if arguments.pooling is not None:
        pooling_type = getattr(xllamacpp.llama_pooling_type, _POOLING[arguments.pooling])
        _embed_too(params, pooling_type, in_one_go=arguments.pooling != "last")
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        sys.exit(f"llama.cpp cannot serve {arguments.model_file.name}: {error}")


def _embed_too(params: Any, pooling_type: object, *, in_one_go: bool) -> None:
    """Completions stay as they are. Whatever pools over a whole input must see it in one batch, so
    that must be as large as the longest input."""
    params.embedding = True
    params.pooling_type = pooling_type
    if in_one_go:
        batch_tokens = max(_BATCH_TOKENS, params.n_ctx // params.n_parallel)
        params.n_batch = params.n_ubatch = batch_tokens


def _forget_prompts(params: Any) -> None:
    """llama.cpp has no cache salt: what one tenant computed would be reused for, and by its timing
    shown to, another. So nothing of a prompt outlives its request, unless a body asks for it."""
    params.cache_prompt = False
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.slot_prompt_similarity = 0.5
    params.n_cache_reuse = 0
    params.n_ctx_checkpoints = 0


if __name__ == "__main__":
    main()
