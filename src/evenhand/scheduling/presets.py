"""The published ways to share, each a composition of parts under its published name.

A new preset is an entry here. A new part is a file in the folder of its seam and an entry in the
`built_in.py` there.
"""

from collections.abc import Mapping
from dataclasses import replace

from evenhand.scheduling.admission.built_in import ADMISSIONS
from evenhand.scheduling.cost.built_in import COSTS
from evenhand.scheduling.order.built_in import ORDERS
from evenhand.scheduling.placement.built_in import PLACEMENTS
from evenhand.scheduling.policy import Policy
from evenhand.scheduling.prediction.built_in import PREDICTIONS
from evenhand.scheduling.queue.built_in import QUEUES

PRESETS: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        Policy(
            name="fcfs",
            summary="first come, first served; what engines do, and the control",
            source="what engines do",
            order=ORDERS["anyone"],
        ),
        Policy(
            name="round-robin",
            summary="tenants by turns, whatever a turn costs",
            source="llm-d router, flow control",
            order=ORDERS["by-turns"],
        ),
        Policy(
            name="drr",
            summary="tenants take turns, each until its quantum is used up",
            source="Shreedhar and Varghese 1995, adapted in the artifact of arXiv 2401.00588",
            page="order/drr.md",
            order=ORDERS["deficit-ring"],
            bound="2 (Q + W C / w) (Q the quantum; W in flight, C the largest request, w least weight)",
        ),
        Policy(
            name="rpm",
            summary="first come, first served within so many requests a minute for each tenant",
            source="a baseline of arXiv 2401.00588",
            page="admission/rates.md",
            order=ORDERS["anyone"],
            admission=ADMISSIONS["rpm"],
        ),
        Policy(
            name="tpm",
            summary="first come, first served within so many tokens a minute for each tenant",
            source="what gateways do",
            page="admission/rates.md",
            order=ORDERS["anyone"],
            admission=ADMISSIONS["tpm"],
        ),
        Policy(
            name="lcf",
            summary="least counter first: vtc without the lift, so idling banks credit",
            source="arXiv 2401.00588 (a baseline there)",
            page="order/vtc.md",
            order=ORDERS["least-counter"],
        ),
        Policy(
            name="vtc",
            summary="least service for its weight goes next",
            source="arXiv 2401.00588",
            page="order/vtc.md",
            bound="2 W C / w (W in flight, C the largest request, w the least weight)",
        ),
        Policy(
            name="wsc",
            summary="as vtc, where an average call of any application costs the same",
            source="arXiv 2411.15997",
            page="cost/wsc.md",
            cost=COSTS["per-application"],
            bound="2 W r C / w (r the greatest factor of an application's tokens, else as vtc)",
        ),
        Policy(
            name="fairserve",
            summary="least service goes next, interactions in progress first, floods throttled",
            source="arXiv 2411.15997",
            page="admission/oit.md",
            bound="2 W r C / w (r the greatest factor of an application's tokens, else as vtc)",
            queue=QUEUES["interaction-first"],
            admission=ADMISSIONS["oit"],
            cost=COSTS["per-application"],
        ),
        Policy(
            name="lpm",
            summary="longest prefix match first, whoever's it is; what SGLang does, and a control",
            source="arXiv 2312.07104",
            page="order/dlpm.md",
            order=ORDERS["anyone"],
            queue=QUEUES["longest-prefix"],
        ),
        Policy(
            name="dlpm",
            summary="longest prefix match first among tenants whose quantum is not used up",
            source="arXiv 2501.14312",
            page="order/dlpm.md",
            order=ORDERS["quantum"],
            queue=QUEUES["longest-prefix"],
            bound="2 (Q + W C / w) (Q the quantum; W in flight, C the largest request, w least weight)",
        ),
        Policy(
            name="d2lpm",
            summary="dlpm, and each tenant stays near its prefixes until its quantum there is used up",
            source="arXiv 2501.14312",
            page="placement/d2lpm.md",
            order=ORDERS["quantum"],
            queue=QUEUES["longest-prefix"],
            placement=PLACEMENTS["d2lpm"],
            bound="2 (Q + W C / w) (as dlpm, over all engines together; not the quantum of placement)",
        ),
        Policy(
            name="las",
            summary="least attained service of late goes next, with a half-life",
            source="arXiv 2502.13965; llm-d router",
            page="order/las.md",
            order=ORDERS["least-attained"],
        ),
    )
}


def compose(
    preset: str = "vtc",
    *,
    queue: str | None = None,
    placement: str | None = None,
    admission: str | None = None,
    prediction: str | None = None,
    cost: str | None = None,
    settings: Mapping[str, int] | None = None,
) -> Policy:
    """A preset with other parts or values; None leaves the preset's own. All names must exist."""
    policy = PRESETS[preset]
    return replace(
        policy,
        queue=policy.queue if queue is None else QUEUES[queue],
        placement=policy.placement if placement is None else PLACEMENTS[placement],
        admission=policy.admission if admission is None else ADMISSIONS[admission],
        prediction=policy.prediction if prediction is None else PREDICTIONS[prediction],
        cost=policy.cost if cost is None else COSTS[cost],
        settings={**policy.settings, **(settings or {})},
    )
