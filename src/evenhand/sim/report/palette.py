"""Colours that can be read on a light page and on a dark one."""

from collections.abc import Iterable

COLOURS = (
    "#4b7bec",
    "#f0883e",
    "#26a886",
    "#b569d6",
    "#e0526e",
    "#9a9a35",
    "#33a6c9",
    "#a8775a",
    "#d9a91a",
    "#e58bc4",
    "#6f7fb5",
    "#7bbf4c",
)
GREY = "#8b93a1"


def coloured(names: Iterable[str]) -> dict[str, str]:
    """A colour for each; they repeat when there are no more."""
    return {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}


def see_through(colour: str, part: float) -> str:
    """The colour, of which so much is left."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{part})"
