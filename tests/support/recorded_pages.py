"""Pages that real engines wrote of themselves; the first line of each says which, and when."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()


VLLM_0_32 = "vllm-0.32.0-metrics.txt"
