"""Admissions, by the names that policies use."""

from evenhand.scheduling.admission.open_door import OpenDoor
from evenhand.scheduling.admission.protocol import Admission
from evenhand.scheduling.parts import Part

_PARTS: tuple[Part[Admission], ...] = (
    Part(
        name="none",
        summary="refuses nobody; only the limits of the queue do",
        build=lambda *_: OpenDoor(),
    ),
)

ADMISSIONS: dict[str, Part[Admission]] = {part.name: part for part in _PARTS}
