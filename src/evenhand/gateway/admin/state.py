"""The live state, for people and for `evenhand top`."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from evenhand.gateway.admin.status import Status
from evenhand.scheduling import Node
from evenhand.telemetry import Standing, Standings


class LiveState:
    """Reads the gateway's state at one moment. Bounded by the engines and by `tenants_max`."""

    def __init__(self, status: Status, *, tenants_max: int) -> None:
        self._status = status
        self._standings = Standings(status.scheduler.tree)
        self._tenants_max = tenants_max

    def snapshot(self) -> dict[str, Any]:
        """Everything, as JSON-ready values."""
        status, scheduler = self._status, self._status.scheduler
        top, rest = self._standings.top(self._tenants_max)
        return {
            "version": status.version,
            "uptime_s": status.uptime_ms() / 1000,
            "draining": status.is_draining,
            "mode": "enforce" if status.shadow is None else "observe",
            "policy": self._policy(),
            "ledger_closed_because": status.ledger_closed_because,
            "engines": self._engines(),
            "queue": {"requests": scheduler.backlog.requests, "bytes": scheduler.backlog.bytes},
            "lanes": [lane._asdict() for lane in status.lanes()],
            "overload": self._overload(),
            "predictions": {
                model: asdict(known)
                for model, known in scheduler.prediction_errors.by_model.items()
            },
            "open_requests": scheduler.open_requests(),
            "tenants": [_row(self._standings.of(node)) for node in _with_ancestors(top)],
            "tenants_left_out": None if rest is None else asdict(rest),
        }

    def _overload(self) -> dict[str, Any] | None:
        """None where the policy does not ask for it."""
        overload = self._status.scheduler.overload()
        if overload is None:
            return None
        return {
            "overloaded": overload.is_overloaded,
            "lanes": overload.lanes,
            "drain_ms": overload.drain_ms,
            "target_ms": overload.target_ms,
            "throttled_requests": overload.throttled,
        }

    def _policy(self) -> dict[str, Any]:
        scheduler = self._status.scheduler
        policy = scheduler.settings.policy
        return {
            "preset": policy.name,
            "parts": {
                "order": policy.order.name,
                "queue": policy.queue.name,
                "placement": policy.placement.name,
                "admission": policy.admission.name,
                "prediction": policy.prediction.name,
                "cost": policy.cost.name,
            },
            "parameters": policy.values(),
            "is_fair": policy.is_fair,
            # What the limits allow one request to cost, and what one has cost at most so far.
            "lag_bound_units_per_weight": self._lag_bound(self._status.request_units_max),
            "lag_bound_so_far_units_per_weight": self._lag_bound(scheduler.request_units_peak),
        }

    def _lag_bound(self, request_units_max: int | None) -> int | None:
        if request_units_max is None:
            return None
        scheduler = self._status.scheduler
        return scheduler.settings.policy.lag_bound(
            window=scheduler.capacity.window_peak,
            request_units_max=request_units_max,
            weight_min=self._standings.weight_min,
            input_units=scheduler.settings.cost.input,
        )

    def _engines(self) -> list[dict[str, Any]]:
        scheduled = self._status.scheduler.capacity.engines
        rows = []
        for engine in self._status.engines():
            slots = scheduled.get(engine.name)
            rows.append(
                {
                    "name": engine.name,
                    "up": engine.is_up,
                    "reason": engine.reason,
                    "drained": engine.is_drained,
                    "circuit": engine.circuit,
                    "circuit_because": engine.circuit_because,
                    "given_up": engine.given_up,
                    "models": [] if slots is None else sorted(slots.models),
                    "window": 0 if slots is None else slots.window,
                    "window_reason": engine.window_reason,
                    "window_because": engine.window_because,
                    "waiting_inside": 0 if slots is None else slots.waiting,
                    "in_flight": 0 if slots is None else slots.in_flight,
                    "signals": engine.signals,
                    "signals_missing": engine.signals_missing,
                    "report": None if engine.report is None else asdict(engine.report),
                    "report_age_ms": engine.report_age_ms,
                }
            )
        return rows


def _with_ancestors(leaves: Iterable[Node]) -> list[Node]:
    """Those and all above them but the root, as a tree is printed: parents first."""
    nodes: set[Node] = set()
    for leaf in leaves:
        node = leaf
        while node.parent is not None and node not in nodes:
            nodes.add(node)
            node = node.parent
    return sorted(nodes, key=lambda node: node.path)


def _row(standing: Standing) -> dict[str, Any]:
    return asdict(standing) | {"path": "/".join(standing.path)}
