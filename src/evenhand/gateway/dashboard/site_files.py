"""What the browser is sent: the files of `site/`, and plotly's script from its own package."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

_ROOM: Final = files("evenhand.gateway.dashboard") / "site"
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class SiteFile:
    """One file under /assets. `tag` changes with its content."""

    name: str
    content: bytes
    media_type: str
    tag: str


def site_files() -> list[SiteFile]:
    """All of them, in order of their names."""
    found = [
        SiteFile(name, content, _TYPES[name.rpartition(".")[2]], _tag(content))
        for name, content in _contents(_ROOM, "")
        if name.rpartition(".")[2] in _TYPES
    ]
    return sorted(found, key=lambda file: file.name)


def page_text(name: str, title: str) -> str:
    """The page of that name inside the frame that all pages share. `{who}` is left for each reader."""
    shell = (_ROOM / "shell.html").read_text(encoding="utf-8")
    main = (_ROOM / f"{name}.html").read_text(encoding="utf-8")
    return (
        shell.replace("{title}", title)
        .replace("{page}", name)
        .replace("{plotly}", version("plotly"))
        .replace("{main}", main)
    )


def _contents(folder: Traversable, before: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _contents(entry, f"{before}{entry.name}/")
        else:
            yield before + entry.name, entry.read_bytes()


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:20]}"'
