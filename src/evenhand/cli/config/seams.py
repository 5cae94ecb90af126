"""The seams whose part a configuration may choose by name, and all parameters of built-in parts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evenhand.scheduling import PRESETS
from evenhand.scheduling.admission.built_in import ADMISSIONS
from evenhand.scheduling.cost.built_in import COSTS
from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.parts import OrderPart, Parameter, Part, QueuePart
from evenhand.scheduling.placement.built_in import PLACEMENTS
from evenhand.scheduling.prediction.built_in import PREDICTIONS
from evenhand.scheduling.queue.built_in import QUEUES

AnyPart = OrderPart | QueuePart | Part[object]

SEAMS: Mapping[str, Mapping[str, AnyPart]] = {
    "queue": QUEUES,
    "placement": PLACEMENTS,
    "admission": ADMISSIONS,
    "prediction": PREDICTIONS,
    "cost": COSTS,
}
"""Parts by their names, by keys of the section `policy`. The order between tenants is the preset's."""

ALL_SEAMS: Mapping[str, Mapping[str, AnyPart]] = {"order": ORDERS, **SEAMS}


def parameters() -> dict[str, list[tuple[str, Parameter]]]:
    """Every parameter by name, with the parts that bring it as `order las`."""
    found: dict[str, list[tuple[str, Parameter]]] = {}
    for seam, parts in ALL_SEAMS.items():
        for part in parts.values():
            for parameter in parameters_of(seam, part):
                found.setdefault(parameter.name, []).append((f"{seam} {part.name}", parameter))
    return found


def parameters_of(seam: str, part: AnyPart) -> list[Parameter]:
    """What a policy has to set where it has this part: the part's own parameters, and those of what
    the part asks the core for."""
    swap: dict[str, Any] = {seam: part}
    whole = replace(PRESETS["vtc"], **swap, settings={})
    own = set(part.parameters)
    others = {p for other in whole.parts() if other is not part for p in other.parameters}
    return [p for p in dict.fromkeys(whole.parameters()) if p in own or p not in others]
