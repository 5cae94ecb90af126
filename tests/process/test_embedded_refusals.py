"""What cannot be served is said at the start, with what to do, and nothing is left running."""

import asyncio
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from evenhand.engines.embedded import EmbeddedEngine, EmbeddedEngineError, EmbeddedSettings
from support.embedded_engine import children, small_model_file, small_settings


def refusal(settings: EmbeddedSettings) -> str:
    changes: list[bool] = []
    before = children()

    async def main() -> str:
        engine = EmbeddedEngine(settings, on_change=changes.append)
        with pytest.raises(EmbeddedEngineError) as raised:
            await engine.start()
        await engine.stop()
        return str(raised.value)

    message = asyncio.run(main())
    assert changes == []
    assert children() == before
    return message


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes.")
    message = refusal(small_settings(model_file=path))
    assert "notes.txt is no GGUF file" in message
    assert "random weights" in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    message = refusal(small_settings(model_file=tmp_path / "absent.gguf"))
    assert "absent.gguf: No such file" in message


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(small_settings(model_file=tmp_path))


@pytest.mark.engine
@pytest.mark.parametrize("keep_bytes", [4, 1000, 200_000])
def test_a_cut_off_model_gives_the_reason_of_llama_cpp(tmp_path: Path, keep_bytes: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(small_model_file().read_bytes()[:keep_bytes])
    message = refusal(small_settings(model_file=path))
    assert "check the model file" in message
    assert "cut.gguf" in message


@pytest.mark.engine
def test_a_context_that_no_memory_holds_is_refused() -> None:
    message = refusal(small_settings(context_tokens=2**30))
    assert "the free memory" in message


def test_a_missing_engine_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "pip install 'evenhand[embedded]'" in refusal(small_settings())


@pytest.mark.parametrize(
    "wrong", [{"slots": 0}, {"context_tokens": 1}, {"threads": 0}, {"memory_bytes_max": 0}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EmbeddedSettings(**wrong)
