"""A model file with random weights: it speaks noise, and its timing is real.

Written once into the user's cache folder. The file name carries everything that decides the bytes,
and the size, so that a changed shape makes a new file and a cut-off file is never taken for whole.
"""

import os
import tempfile
from pathlib import Path

from evenhand.engines.embedded.error import EmbeddedEngineError
from evenhand.engines.embedded.random_weights import ModelShape, write_random_model

_NAME = "evenhand-random"
_FORMAT = 1  # raise it whenever equal shapes give other bytes than before
DEMO_SHAPE = ModelShape()


def cache_folder() -> Path:
    """Evenhand's folder in the user's cache (`XDG_CACHE_HOME`, else `~/.cache`); may not exist."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "evenhand"


def random_model_file(shape: ModelShape = DEMO_SHAPE) -> Path:
    """The model file of this shape, written if it is not there yet (about a second; blocks).

    Raises EmbeddedEngineError if the packages that write it are missing or the cache folder
    cannot be written.
    """
    folder = cache_folder()
    for found in folder.glob(f"{_stem(shape)}-*.gguf"):
        if found.name == _file_name(shape, found.stat().st_size):
            return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(dir=folder, prefix=_NAME, suffix=".unfinished")
        os.close(descriptor)
        try:
            write_random_model(Path(unfinished), shape)
            finished = folder / _file_name(shape, Path(unfinished).stat().st_size)
            Path(unfinished).replace(finished)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except OSError as error:
        raise EmbeddedEngineError(
            f"cannot write the random-weight model into {folder}: {error}. "
            "Make room there, or name another folder with XDG_CACHE_HOME"
        ) from error
    return finished


def _file_name(shape: ModelShape, size_bytes: int) -> str:
    return f"{_stem(shape)}-{size_bytes}b.gguf"


def _stem(shape: ModelShape) -> str:
    return f"{_NAME}-v{_FORMAT}-{shape.name}"
