"""Measured data, which the repository does not hold. Tests that need it skip where it is absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(os.environ.get("EVENHAND_DATA") or ROOT.parent / "shared" / "data")


def shared_file(name: str) -> Path:
    """A file of the folder; skips the test that asks where it is not there."""
    file = FOLDER / name
    if not file.is_file():
        pytest.skip(f"{name} is not in {FOLDER} (EVENHAND_DATA names another folder)")
    return file
