"""`python -m bench.gpu_transformers`: see the package."""

import argparse
import json
import logging
import sys
import time
from pathlib import Path

import torch

import bench.gpu_transformers
from bench.gpu_transformers.engine import Bench, new_shape_ms
from bench.gpu_transformers.figures import answering, summary
from bench.gpu_transformers.rounds import Rounds
from bench.gpu_transformers.scenes import (
    SETTINGS,
    chat_beside_flood,
    chats_beside_long,
    full_queues,
)
from bench.gpu_transformers.seen import Crowd
from bench.gpu_transformers.size import QUICK, WHOLE
from bench.gpu_transformers.watched import register


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu_transformers", description=bench.gpu_transformers.__doc__
    )
    parser.add_argument("--json", type=Path, default=Path("gpu-transformers.json"))
    parser.add_argument("--quick", action="store_true", help="a tiny model, one short round")
    parser.add_argument("--seconds", type=float, default=255.0, help="for all of it, at most")
    chosen = parser.parse_args()
    logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not chosen.quick:
        sys.exit("There is no GPU. --quick has a look with a tiny model.")
    if device == "cpu":
        torch.set_num_threads(1)
    began = time.monotonic()
    engines = Bench(QUICK if chosen.quick else WHOLE, device)
    rounds = Rounds(engines, chosen.json, chosen.seconds - (time.monotonic() - began))
    print(f"{rounds.document['device']}, {rounds.document['parameters']:,} parameters", flush=True)
    if device == "cuda":
        rounds.document["new_shape_ms"] = new_shape_ms()
        print(f"attention of a new shape: {rounds.document['new_shape_ms']}", flush=True)
        torch.backends.cuda.enable_cudnn_sdp(False)
    register(1)
    warm = [Crowd(tenant="warm", clients=10, prompt=400, answer=100)]
    rounds.run("warm", "fifo", warm, engines.size.seconds / 4)
    played = rounds.run("warm", "fifo", warm, engines.size.seconds / 4)
    assert played is not None, "no time for anything"
    usual_s = answering(played, "warm", since_s=0.5)["between_tokens_p50_s"]
    rounds.document["usual_ms"] = usual_ms = usual_s * 1e3
    print(f"\nten answers at once: {usual_ms:.1f} ms a token", flush=True)
    for rounds.number in range(engines.size.rounds):
        chat_beside_flood(rounds, usual_ms)
        chats_beside_long(rounds, usual_ms)
        full_queues(rounds)
    rounds.document["summary"] = summary(rounds.document["runs"], SETTINGS)
    rounds.write()
    print(json.dumps(rounds.document["summary"], indent=1))
    print(f"{time.monotonic() - began:.0f} s in all; {chosen.json}")


if __name__ == "__main__":
    main()
