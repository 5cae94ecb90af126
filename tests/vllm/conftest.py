"""Tests in which the real vLLM runs: `make test-vllm`. Elsewhere they are skipped, and say so."""

import importlib.util
import os
import warnings
from pathlib import Path

import pytest

# Not `vllm`: this folder itself would be found by that name.
HAS_VLLM = importlib.util.find_spec("vllm.v1") is not None
HERE = Path(__file__).parent

if HAS_VLLM:
    os.environ |= {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what vLLM and torch say of themselves is not ours to mend
        import vllm.v1.core.sched.scheduler  # noqa: F401


class WithoutVllm(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        raise pytest.skip.Exception("vLLM is not here: make test-vllm", allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    return None if HAS_VLLM else WithoutVllm.from_parent(parent, path=module_path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a model without weights and without a tokenizer."""
    from support.tiny_model import write_config  # noqa: PLC0415 - for vLLM only

    return write_config(tmp_path_factory.mktemp("tiny"))
