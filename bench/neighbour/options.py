"""What may be asked of `python -m bench.neighbour`."""

import argparse
from dataclasses import dataclass
from pathlib import Path

ENGINES = ("vllm", "embedded")
PARTS = ("neighbour", "reasoning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`is_added`: the repetitions are further ones of those in `json_file`."""

    engines: tuple[str, ...]
    parts: tuple[str, ...]
    arms: tuple[str, ...] | None
    repetitions: int
    seconds: float
    json_file: Path | None
    plot_file: Path | None
    is_added: bool


def options() -> Options:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.neighbour", description=__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--arms", nargs="+", metavar="ARM", help="these alone; all if left out")
    parser.add_argument("--repetitions", type=int, default=3, help="interleaved, 3 if left out")
    parser.add_argument(
        "--seconds", type=float, default=12.0, help="of a scene beside the noise; 12 if left out"
    )
    parser.add_argument("--json", type=Path, help="write all figures of all repetitions there")
    parser.add_argument("--plot", type=Path, help="draw the rows there, as SVG")
    parser.add_argument(
        "--add", action="store_true", help="further repetitions of those in the --json file"
    )
    chosen = parser.parse_args()
    if chosen.add and chosen.json is None:
        parser.error("--add needs --json FILE: the repetitions that these are added to")
    return Options(
        engines=tuple(chosen.engines),
        parts=tuple(chosen.parts),
        arms=tuple(chosen.arms) if chosen.arms else None,
        repetitions=chosen.repetitions,
        seconds=chosen.seconds,
        json_file=chosen.json,
        plot_file=chosen.plot,
        is_added=chosen.add,
    )
