"""What the page shows is what the gateway, its metrics and its ledger say."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from support.sight import Watched
from support.sight_scene import SCENE_SECRETS, scene
from support.stage import Stage, stage


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Served something, and quiet by now: figures stand still while they are compared."""
    with stage(tmp_path_factory.mktemp("calm"), scene, environment=SCENE_SECRETS) as own:
        own.traffic("SEARCH", clients=3, model="small")
        own.traffic("BATCH", clients=3, model="large")
        while own.answered < 40:
            own.call(own.pause())
        own.finish_traffic()
        yield own


def test_page_state_metrics_and_ledger_agree(calm: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(calm.admin_url)
    state = {row["path"]: row for row in calm.get("/state").json["tenants"]}
    metrics = calm.get("/metrics").body.decode()
    usage = calm.get("/api/v1/usage?by=tenant").json
    ledger = {line["tenant"]: line for line in usage["lines"]}
    for tenant in ("acme/search", "globex/batch"):
        units = state[tenant]["service_units"]
        assert units == ledger[tenant]["units"]
        told = re.search(
            rf'^evenhand_tenant_service_units{{tenant="{tenant}"}} (\S+)$', metrics, re.MULTILINE
        )
        assert told is not None
        assert float(told[1]) == units
        cell = page.get_by_role("row", name=tenant).locator(".is-service")
        expect(cell).to_have_attribute("data-exact", str(units))
        promised = f"{state[tenant]['share_promised'] * 100:.1f} %"
        expect(page.get_by_role("row", name=tenant).locator(".is-promised")).to_have_text(promised)
    page.goto(f"{calm.admin_url}/money")
    for tenant, line in ledger.items():
        row = page.locator("#lines").get_by_role("row", name=tenant)
        expect(row.locator(".is-requests")).to_have_text(f"{line['requests']:,}")
        expect(row.locator(".is-input")).to_have_text(f"{line['input_tokens']:,}")
        expect(row.locator(".is-output")).to_have_text(f"{line['output_tokens']:,}")
        shown = row.locator(".is-money").inner_text()
        assert float(shown) == float(line["money"]["EUR"])
    page.goto(f"{calm.admin_url}/tenants")
    row = page.locator("#tree tr").filter(has=page.get_by_role("button", name="batch", exact=True))
    received = f"{state['globex/batch']['share_received'] * 100:.1f} %"
    expect(row.locator(".is-received")).to_have_text(received)
