"""Costs, by the names that policies use."""

from evenhand.scheduling.cost.protocol import Cost
from evenhand.scheduling.cost.weighted import WeightedTokens
from evenhand.scheduling.parts import Part

_PARTS: tuple[Part[Cost], ...] = (
    Part(
        name="weighted-tokens",
        summary="so many units for each token of input, cached input and output",
        build=lambda ground, _: WeightedTokens(ground.weights),
    ),
)

COSTS: dict[str, Part[Cost]] = {part.name: part for part in _PARTS}
