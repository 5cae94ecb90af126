"""Measured data that the repository does not hold: beside it, or where EVENHAND_DATA says."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def shared_data(name: str) -> Path:
    """The file of that name; the test skips where it is absent."""
    folder = Path(os.environ.get("EVENHAND_DATA") or ROOT.parent / "shared" / "data")
    file = folder / name
    if not file.is_file():
        pytest.skip(f"{name} is not in {folder}: set EVENHAND_DATA to the folder that holds it")
    return file
