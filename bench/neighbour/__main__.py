"""`python -m bench.neighbour`: see the package."""

import argparse
import json
import sys
from pathlib import Path

import uvloop

from bench.load import BenchError
from bench.neighbour.arms import EMBEDDED, VLLM
from bench.neighbour.embedded import embedded
from bench.neighbour.engine import SkippedError
from bench.neighbour.rounds import Lengths, repetition
from bench.neighbour.vllm_server import BY_PRIORITY, PLUGGED, STOCK, servers


async def main(chosen) -> int:
    lengths = Lengths()
    tell = lambda what: print(what, file=sys.stderr, flush=True)
    out = {}
    if chosen.only in (None, "embedded"):
        async with embedded() as engine:
            out["embedded"] = [
                await repetition(EMBEDDED, {"embedded": engine}, lengths, seed=n, tell=tell)
                for n in range(chosen.repetitions)
            ]
    if chosen.only in (None, "vllm"):
        names = [n for n in ("stock", "priority", "plug-in") if any(a.engine == n and (not chosen.arms or a.name in chosen.arms) for a in VLLM)]
        opts = {"stock": STOCK, "priority": BY_PRIORITY, "plug-in": PLUGGED}
        async with servers([opts[n] for n in names]) as engines:
            tell("up")
            arms = [a for a in VLLM if a.engine in names and (not chosen.arms or a.name in chosen.arms)]
            out["vllm"] = [
                await repetition(arms, dict(zip(names, engines)), lengths, seed=n, tell=tell)
                for n in range(chosen.repetitions)
            ]
    chosen.json.write_text(json.dumps(out))
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--only")
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--arms", nargs="*")
    parser.add_argument("--json", type=Path)
    try:
        sys.exit(uvloop.run(main(parser.parse_args())))
    except (BenchError, SkippedError) as error:
        sys.exit(f"bench: {error}")
