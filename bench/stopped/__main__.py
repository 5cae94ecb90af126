"""`python -m bench.stopped`: prints each round, and writes all of them as JSON where asked."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from bench.load import BenchError
from bench.neighbour.engine import SkippedError
from bench.stopped.rounds import DEADLINE_S, rounds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.stopped", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = asyncio.run(rounds(chosen.rounds, chosen.seed))
    for figures in found:
        sys.stdout.write(json.dumps(figures) + "\n")
    if chosen.json is not None:
        whole = {"deadline_s": DEADLINE_S, "seed": chosen.seed, "rounds": found}
        chosen.json.write_text(json.dumps(whole, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BenchError, SkippedError) as error:
        sys.exit(f"bench: {error}")
