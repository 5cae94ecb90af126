"""The admin API under schemathesis: whatever the OpenAPI document allows, and some that it does not, is
answered as the document says and never with a fault of ours."""

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.scripted_engine import ScriptedEngine
from support.serve import ADMIN_KEY, Served, configuration, serving, url_engine

_HEADERS = {"Authorization": f"Bearer {ADMIN_KEY}"}
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A real gateway, whose loop is in a thread of its own: schemathesis is not asynchronous."""
    stop, begun, running = threading.Event(), threading.Event(), list[Served]()

    async def hold() -> None:
        with tempfile.TemporaryDirectory(prefix="evenhand-test-") as folder:
            async with ScriptedEngine(("m",)) as engine:
                config = configuration(
                    url_engine(engine.url),
                    state={"folder": "state"},
                    tenants=[
                        {"name": "a"},
                        {"name": "b"},
                        {"name": "c", "children": [{"name": "d"}]},
                    ],
                    lanes=[{"name": "default"}, {"name": "batch", "ceiling_percent": 50}],
                )
                async with serving(config, folder=Path(folder)) as gateway:
                    running.append(gateway)
                    begun.set()
                    await asyncio.to_thread(stop.wait)
                    assert await gateway.stop() == 0

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert begun.wait(30)
    yield running[0]
    stop.set()
    thread.join(30)
    assert "Traceback" not in running[0].output


def test_every_operation_keeps_its_word(served: Served) -> None:
    schema = schemathesis.openapi.from_url(f"{served.admin_url}/openapi.json", headers=_HEADERS)
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    # The stream of live values has no end.
    operations = [one for one in found if one.path != "/api/v1/live"]
    assert len(operations) >= 30
    for operation in operations:

        @settings(
            max_examples=5,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def keeps_its_word(case: schemathesis.Case[Any]) -> None:
            answer = case.call(headers=_HEADERS, timeout=20)
            case.validate_response(answer, checks=_CHECKS)

        keeps_its_word()
