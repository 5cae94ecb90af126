"""What the admin listener shows, over real HTTP on uvloop."""

from typing import Any

import pytest
import uvloop

from evenhand.gateway.admin import EngineStatus
from evenhand.model import EngineName
from evenhand.scheduling import Scheduler, SchedulerSettings, TenantShare, compose
from support.admin import Answer, PlainStatus, app_of, served
from support.samples import samples_of
from support.served_tenants import ENGINE, MODEL, scheduler_of, serve, submit

UP = EngineStatus(EngineName("e1"), is_up=True, reason="answers")
SILENT: dict[str, Any] = {
    "drained": False,
    "circuit": "closed",
    "circuit_because": None,
    "given_up": 0,
    "signals": "",
    "signals_missing": [],
    "report": None,
    "report_age_ms": None,
    "window_reason": "fixed",
    "window_because": "the configuration says so",
    "waiting_inside": 0,
}
DOWN = EngineStatus(EngineName("e2"), is_up=False, reason="connection refused")


def ask(
    status: PlainStatus, *paths: str, method: str = "GET", tenants_max: int = 10
) -> list[Answer]:
    app = app_of(status, credential=None, tenants_max=tenants_max)

    async def main() -> list[Answer]:
        async with served(app) as client:
            return [await client.ask(path, method=method) for path in paths]

    return uvloop.run(main())


@pytest.mark.parametrize(
    ("draining", "engines", "unmet"),
    [
        (False, (UP,), []),
        (False, (UP, DOWN), []),
        (False, (DOWN,), ["no_engine_up"]),
        (False, (), ["no_engine_up"]),
        (True, (UP,), ["draining"]),
        (True, (DOWN,), ["draining", "no_engine_up"]),
    ],
)
def test_readiness_tells_the_truth_and_liveness_stays(
    draining: bool,
    engines: tuple[EngineStatus, ...],
    unmet: list[str],
) -> None:
    ready, alive = ask(PlainStatus(is_draining=draining, shown=engines), "/readyz", "/livez")
    assert ready.status == (503 if unmet else 200)
    assert ready.json["ready"] is not bool(unmet)
    assert [reason["condition"] for reason in ready.json["reasons"]] == unmet
    assert all(reason["message"] for reason in ready.json["reasons"])
    assert b"connection refused" not in ready.body
    assert alive.status == 200
    assert alive.json == {"alive": True}


def test_metrics_are_in_the_text_format_and_live() -> None:
    status = PlainStatus()
    submit(status.scheduler, ("a",))
    (answer,) = ask(status, "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = samples_of(answer.body)
    assert samples["evenhand_queue_depth", ()] == 1
    assert samples["evenhand_build_info", (("version", "1.2.3"),)] == 1


def test_state_shows_the_gateway_at_this_moment() -> None:
    scheduler = scheduler_of([TenantShare(name="a", weight=3), TenantShare(name="b")], window=2)
    serve(scheduler, ("a",), 30)
    submit(scheduler, ("b",))
    submit(scheduler, ("b",))
    status = PlainStatus(
        scheduler,
        is_draining=True,
        shown=(EngineStatus(ENGINE, is_up=True, reason="answers"), DOWN),
    )
    (answer,) = ask(status, "/state")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    state = answer.json
    tenants = {row["path"]: row for row in state.pop("tenants")}
    assert state == {
        "mode": "enforce",
        "version": "1.2.3",
        "uptime_s": 90.5,
        "draining": True,
        "ledger_closed_because": None,
        "policy": {
            "preset": "vtc",
            "parts": {
                "order": "least-served",
                "queue": "fifo",
                "placement": "least-filled",
                "admission": "none",
                "prediction": "running-mean",
                "cost": "weighted-tokens",
            },
            "parameters": {},
            "is_fair": True,
            "lag_bound_units_per_weight": 4_000,
            "lag_bound_so_far_units_per_weight": 4 * scheduler.request_units_peak,
        },
        "engines": [
            {
                "name": ENGINE,
                "up": True,
                "reason": "answers",
                "models": [MODEL],
                "window": 2,
                "window_reason": "fixed",
                "window_because": "the configuration says so",
                "waiting_inside": 0,
                "in_flight": 0,
                **SILENT,
            },
            {
                "name": "e2",
                "up": False,
                "reason": "connection refused",
                "models": [],
                "window": 0,
                "window_reason": "fixed",
                "window_because": "the configuration says so",
                "waiting_inside": 0,
                "in_flight": 0,
                **SILENT,
            },
        ],
        "queue": {"requests": 2, "bytes": 200},
        "lanes": [],
        "overload": None,
        "predictions": {MODEL: {"answers": 1, "over_tokens": 226, "under_tokens": 0}},
        "open_requests": 2,
        "tenants_left_out": None,
    }
    assert list(tenants) == ["a", "b"]
    assert tenants["a"] == {
        "path": "a",
        "is_leaf": True,
        "weight": 3,
        "share_promised": 0.75,
        "share_received": 1.0,
        "service_units": 600,
        "virtual_units": 200,
        "queued_requests": 0,
        "running_requests": 0,
    }
    assert tenants["b"]["queued_requests"] == 2


def test_a_policy_without_a_promise_shows_no_bound() -> None:
    settings = SchedulerSettings(tenants=(TenantShare(name="a"),), policy=compose("fcfs"))
    (answer,) = ask(PlainStatus(Scheduler(settings)), "/state")
    assert answer.json["policy"]["preset"] == "fcfs"
    assert answer.json["policy"]["is_fair"] is False
    assert answer.json["policy"]["lag_bound_units_per_weight"] is None


def test_state_names_the_most_served_with_their_parents_and_counts_the_rest() -> None:
    teams = tuple(TenantShare(name=f"t{n}") for n in range(50))
    scheduler = scheduler_of([TenantShare(name="acme", children=teams), TenantShare(name="solo")])
    for number in (7, 3):
        serve(scheduler, ("acme", f"t{number}"), 10 * number)
    serve(scheduler, ("solo",), 1)
    submit(scheduler, ("acme", "t20"))
    (answer,) = ask(PlainStatus(scheduler), "/state", tenants_max=2)
    rows = answer.json["tenants"]
    assert [row["path"] for row in rows] == ["acme", "acme/t3", "acme/t7"]
    assert [row["is_leaf"] for row in rows] == [False, True, True]
    assert rows[0]["service_units"] == 2_000
    rest = answer.json["tenants_left_out"]
    assert rest["tenants"] == 49
    assert rest["service_units"] == 20
    assert rest["queued_requests"] == 1
    assert rest["share_promised"] == pytest.approx(0.5 + 0.5 * 48 / 50)


def test_unknown_pages_and_methods_get_an_error_that_says_what_to_do() -> None:
    missing, slash = ask(PlainStatus(), "/nothing", "/state/")
    for answer in (missing, slash):
        assert answer.status == 404
        assert answer.error["code"] == "not_found"
        assert "/state" in answer.error["message"]
    (posted,) = ask(PlainStatus(), "/state", method="POST")
    assert posted.status == 405
    assert posted.error["code"] == "method_not_allowed"
    assert "get" in posted.headers["allow"]


def test_a_fault_of_ours_is_an_error_body_without_its_insides(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(PlainStatus):
        def uptime_ms(self) -> int:
            raise RuntimeError("the insides")

    (answer,) = ask(Broken(), "/state")
    assert answer.status == 500
    assert answer.error["code"] == "internal_error"
    assert b"insides" not in answer.body
    assert "the insides" in caplog.text
