"""The page that says why a request waits, or waited: facts, and sentences for people."""

from dataclasses import asdict
from typing import Any

from evenhand.gateway.admin.status import CallStatus
from evenhand.model import Outcome
from evenhand.scheduling import Ahead, Explanation, Instead

_GATES = {
    "own": "earlier requests of its own tenant went first",
    "share": "other tenants went first, whose turn it was by their shares",
    "lane": "requests of other lanes went first",
    "window": "no engine that it can run on had a slot, and nobody was started in its place",
    "budget": "the hold on its key's budget is on its way to the disk",
}
"""Why it waits."""

_REFUSING_GATES = {
    "oit": "the engines are overloaded, and its tenant is over its share",
    "rate": "its tenant has used up its rate",
    "limits": "a limit was reached",
    "window": "no engine that serves its model was up",
    "budget": "the budget of its key had no room for it, or could not be looked up",
}
"""Why it was refused."""

_OWN_REFUSALS = {
    Outcome.BUDGET_EXHAUSTED: "budget",
    Outcome.LEDGER_CLOSED: "budget",
    Outcome.KEY_LIMIT: "limits",
}
"""Gates of those that the gateway refuses before the core sees them."""


def explained_page(
    request_id: str, call: CallStatus | None, why: Explanation | None
) -> dict[str, Any] | None:
    """All that is known, as JSON-ready values; None: nothing is. Bounded by what the core names."""
    if call is None and why is None:
        return None
    page: dict[str, Any] = {
        "request_id": request_id,
        "phase": None if call is None else call.phase,
        "outcome": None if call is None else call.outcome,
        "tenant": _path(call, why),
        "engine": None if call is None else call.engine,
        "gate": _gate(call, why),
        "message": _message(call, why),
        "waited_ms": 0 if why is None else why.waited_ms,
        "queued_before": 0 if why is None else why.queued_before,
        "instead": [] if why is None else [_instead(line) for line in why.instead],
        "others": 0 if why is None else why.others,
        "is_whole": why is None or why.is_whole,
        "ahead": [] if why is None else [_ahead(line) for line in why.ahead],
    }
    return page | {"sentences": _sentences(page, why)}


def _path(call: CallStatus | None, why: Explanation | None) -> str | None:
    if why is not None:
        return "/".join(why.tenant)
    assert call is not None
    return None if call.tenant is None else "/".join(call.tenant)


def _gate(call: CallStatus | None, why: Explanation | None) -> str | None:
    """What held it, or refused it; None: nothing did."""
    if why is not None:
        has_waited = why.waited_ms or why.state in ("waiting", "refused")
        return why.gate if has_waited else None
    if call is None:
        return None
    if call.phase == "holding":
        return "budget"
    return None if call.outcome is None else _OWN_REFUSALS.get(call.outcome)


def _message(call: CallStatus | None, why: Explanation | None) -> str | None:
    """What its client was told, if it was told of an error."""
    if why is not None and why.refusal is not None:
        return why.refusal.message
    return None if call is None else call.message


def _instead(line: Instead) -> dict[str, Any]:
    paths = {name: "/".join(getattr(line, name)) for name in ("tenant", "sibling", "own")}
    return asdict(line) | paths


def _ahead(line: Ahead) -> dict[str, Any]:
    return asdict(line) | {"tenant": "/".join(line.tenant)}


def _sentences(page: dict[str, Any], why: Explanation | None) -> list[str]:
    told = [_what_became(page, why)]
    gate = page["gate"]
    is_refused = why.state == "refused" if why is not None else page["phase"] == "ended"
    if gate is not None and is_refused:
        told.append(f"It was refused because {_REFUSING_GATES[gate]}.")
    elif gate is not None:
        verb = "waits" if page["phase"] in ("queued", "holding") else "waited"
        told.append(f"It {verb} because {_GATES[gate]}.")
    if page["message"]:
        told.append(page["message"])
    told += [_served(line) for line in ([] if why is None else why.instead)]
    if page["others"]:
        told.append(f"{page['others']} more starts went to tenants that are not named.")
    if not page["is_whole"]:
        told.append("What happened first while it waited is forgotten: there were too many starts.")
    if page["queued_before"]:
        told.append(f"{page['queued_before']} requests of its own tenant stand before it.")
    return told


def _what_became(page: dict[str, Any], why: Explanation | None) -> str:
    wait = _seconds(page["waited_ms"])
    match page["phase"]:
        case "holding":
            return "The request is not queued yet."
        case "queued":
            return f"The request has waited for {wait}."
        case "running":
            return f"The request runs at {page['engine']}, after a wait of {wait}."
        case "ended" if page["outcome"] != Outcome.COMPLETED:
            return f"The request ended as {page['outcome']}, after a wait of {wait}."
        case "ended":
            return f"The request was completed at {page['engine']}, after a wait of {wait}."
    state = "started" if why is None else why.state
    return f"The request was {state}, after a wait of {wait}."


def _served(line: Instead) -> str:
    tenant, (requests, were) = "/".join(line.tenant), counted(line.requests, line.units)
    if line.gate == "own":
        return f"{requests} of its own tenant that had come earlier {were} started meanwhile."
    if line.gate == "lane":
        return f"{requests} of {tenant} in lane {line.lane} {were} started meanwhile."
    sibling, own = "/".join(line.sibling), "/".join(line.own)
    return (
        f"{requests} of {tenant} {were} started meanwhile: {sibling} (weight {line.weight}) stood at"
        f" {line.counter} units per weight, {own} (weight {line.own_weight}) at {line.own_counter}."
    )


def counted(requests: int, units: int) -> tuple[str, str]:
    """So many requests in words, and the verb that fits."""
    words, were = ("request", "was") if requests == 1 else ("requests", "were")
    return f"{requests} {words} ({units} units)", were


def _seconds(ms: int) -> str:
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
