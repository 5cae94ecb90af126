import sys
from pathlib import Path

import pytest

from evenhand.engines.embedded import EmbeddedEngineError
from evenhand.engines.embedded.random_model import random_model_file
from evenhand.engines.embedded.random_weights import ModelShape, write_random_model

TINY = ModelShape(hidden=64, layers=1, heads=2, feed_forward=64)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "evenhand"


def test_a_second_call_reuses_the_file() -> None:
    first = random_model_file(TINY)
    written = first.stat()
    assert random_model_file(TINY) == first
    assert first.stat().st_mtime_ns == written.st_mtime_ns
    assert first.stat().st_ino == written.st_ino


def test_equal_shapes_give_equal_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "one.gguf", tmp_path / "two.gguf"
    write_random_model(one, TINY)
    write_random_model(two, TINY)
    assert one.read_bytes() == two.read_bytes()


def test_another_seed_gives_another_file() -> None:
    other = ModelShape(hidden=64, layers=1, heads=2, feed_forward=64, seed=1)
    assert random_model_file(TINY).read_bytes() != random_model_file(other).read_bytes()


def test_a_cut_off_file_is_written_anew() -> None:
    path = random_model_file(TINY)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1000])
    assert random_model_file(TINY).read_bytes() == whole


def test_nothing_unfinished_is_left(cache: Path) -> None:
    path = random_model_file(TINY)
    assert list(cache.iterdir()) == [path]


def test_a_failed_write_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(EmbeddedEngineError):
        random_model_file(TINY)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("package", ["gguf", "numpy"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EmbeddedEngineError, match=r"pip install 'evenhand\[embedded\]'"):
        random_model_file(TINY)


def test_a_cache_folder_that_cannot_be_made_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(EmbeddedEngineError, match="XDG_CACHE_HOME"):
        random_model_file(TINY)


def test_without_xdg_the_cache_is_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert random_model_file(TINY).parent == tmp_path / "home" / ".cache" / "evenhand"
