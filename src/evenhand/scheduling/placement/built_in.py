"""Placements, by the names that policies use."""

from evenhand.scheduling.parts import Part
from evenhand.scheduling.placement.least_filled import LeastFilled
from evenhand.scheduling.placement.protocol import Placement

_PARTS: tuple[Part[Placement], ...] = (
    Part(
        name="least-filled",
        summary="the engine with the smallest part of its window in flight",
        build=lambda *_: LeastFilled(),
    ),
)

PLACEMENTS: dict[str, Part[Placement]] = {part.name: part for part in _PARTS}
