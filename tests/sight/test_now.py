"""The page of this moment, in a real browser, over a gateway that serves."""

from playwright.sync_api import Page, expect

from support.sight import Watched
from support.stage import Stage


def test_figures_move_under_load(live: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(live.admin_url)
    row = page.get_by_role("row", name="globex/batch")
    expect(row).to_be_visible()
    served = row.locator(".is-service")
    before = served.get_attribute("data-exact")
    assert before is not None
    expect(served).not_to_have_attribute("data-exact", before)
    expect(page.locator("#pulse")).to_have_text("live")
    expect(page.locator("#shares svg.main-svg").first).to_be_visible()


def test_what_waits_is_listed_with_the_reason(live: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(live.admin_url, to="/requests")
    row = page.get_by_role("row", name="globex/batch").first
    expect(row.locator(".is-why")).not_to_be_empty()
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="One request")).to_be_visible()
    expect(page.locator(".sentences li").first).to_be_visible()
