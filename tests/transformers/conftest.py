"""Tests in which the real transformers runs: `make test-transformers`. Elsewhere they are skipped, and
say so."""

import importlib.util
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

# Not `transformers`: this folder itself would be found by that name.
HAS_TRANSFORMERS = (
    importlib.util.find_spec("torch") is not None
    and importlib.util.find_spec("transformers.generation") is not None
)
HERE = Path(__file__).parent

if HAS_TRANSFORMERS:
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what these say of themselves is not ours to mend
        import transformers.generation.continuous_batching  # noqa: F401


class WithoutTransformers(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        reason = "transformers is not here: make test-transformers"
        raise pytest.skip.Exception(reason, allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    if HAS_TRANSFORMERS:
        return None
    return WithoutTransformers.from_parent(parent, path=module_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def model() -> Any:
    from support.transformers_engine import tiny_model  # noqa: PLC0415 - for transformers only

    return tiny_model()
