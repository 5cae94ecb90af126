"""Tests with the FinOps Foundation's validator: `make test-focus`. Elsewhere they are skipped, and say
so."""

import importlib.util
from pathlib import Path

import pytest

HAS_VALIDATOR = importlib.util.find_spec("focus_validator") is not None


class WithoutValidator(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        message = "the validator of FOCUS is not here: make test-focus"
        raise pytest.skip.Exception(message, allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    return None if HAS_VALIDATOR else WithoutValidator.from_parent(parent, path=module_path)
