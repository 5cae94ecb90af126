"""`python -m bench.signals`: what it costs to read an engine's page, beside the format's own library.

The page is one that vLLM 0.32.0 wrote; its buckets, which are left out of the recording, are put back in
number and length, so that it is as long as the real one. Both read the same bytes by turns.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from evenhand.engines.signals.metrics_page import read_metrics
from evenhand.engines.signals.spellings import VLLM

ROUNDS = 30
_RECORDED = Path(__file__).parents[1] / "tests/support/recorded/vllm-0.32.0-metrics.txt"
_BUCKET = b'vllm:time_to_first_token_seconds_bucket{engine="0",le="%d.0",model_name="tiny"} 10.0\n'
_BUCKETS = 286


def page() -> bytes:
    return _RECORDED.read_bytes() + b"".join(_BUCKET % n for n in range(_BUCKETS))


def main() -> None:
    text = page()
    ours: list[float] = []
    library: list[float] = []
    for _ in range(ROUNDS):
        ours.append(_ms(lambda: read_metrics(text, VLLM)))
        library.append(_ms(lambda: list(text_string_to_metric_families(text.decode()))))
    found = {
        "page": _RECORDED.name,
        "page_bytes": len(text),
        "rounds": ROUNDS,
        "ours_ms_p50": round(statistics.median(ours), 3),
        "library_ms_p50": round(statistics.median(library), 3),
        "ratio_p50": round(
            statistics.median(theirs / mine for mine, theirs in zip(ours, library, strict=True)), 1
        ),
    }
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


def _ms(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
