"""The page of the share tree: what a change would do, and then does."""

from playwright.sync_api import Page, expect

from support.sight import Watched
from support.stage import Stage


def test_a_weight_is_first_shown_then_applied(live: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(live.admin_url, to="/tenants")
    page.get_by_role("button", name="search", exact=True).click()
    field = page.locator("#weight")
    expect(field).to_have_value("2")
    field.fill("4")
    page.get_by_role("button", name="Show what it would do").first.click()
    plan = page.locator(".plan").first
    expect(plan).to_contain_text("1 thing would change.")
    # 3 of 5 of the company, of which 4 of 6 from 2 of 4.
    expect(plan.get_by_role("row", name="acme/search")).to_contain_text("30.0 %40.0 %")
    page.screenshot(path="/tmp/tenants.png", full_page=True)
    row = page.locator("#tree tr").filter(has=page.get_by_role("button", name="search", exact=True))
    expect(row.locator(".is-weight")).to_have_text("2")
    plan.get_by_role("button", name="Apply").click()
    expect(plan).to_contain_text("Applied")
    expect(row.locator(".is-weight")).to_have_text("4")
    drift = page.locator("#drift").get_by_role("row", name="tenants[acme].children[search].weight")
    expect(drift).to_contain_text("admin")
    drift.get_by_role("button", name="Take back").click()
    expect(row.locator(".is-weight")).to_have_text("2")
    expect(page.locator("#audit")).to_contain_text("set weight")
