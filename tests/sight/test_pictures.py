"""Pictures of every page with real traffic, for docs/dashboard.md: `make pictures`. They are looked at
before they are committed."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from support.sight import Watched
from support.small_png import small_png
from support.stage import Stage

FOLDER = os.environ.get("EVENHAND_PICTURES")
SECONDS = int(os.environ.get("EVENHAND_PICTURES_S", "150"))
BYTES_MAX = 200_000
PATHS = {"now": "/", "me": "/me?tenant=globex/batch"}
PAGES = ("now", "tenants", "requests", "engines", "money", "alarms", "me")

pytestmark = [
    pytest.mark.skipif(FOLDER is None, reason="no pictures are asked for: make pictures"),
    pytest.mark.timeout(600),
]


def test_every_page_is_pictured(live: Stage, browser: Browser) -> None:
    assert FOLDER is not None
    for scheme in ("light", "dark"):
        watched = Watched(browser, color_scheme=scheme)
        watched.sign_in(live.admin_url)
        page = watched.page
        if scheme == "light":
            page.wait_for_timeout(1_000 * SECONDS)
        for name in PAGES:
            page.goto(live.admin_url + PATHS.get(name, f"/{name}"))
            prepare(page, name)
            page.wait_for_timeout(2_500)
            suffix = "" if scheme == "light" else "-dark"
            picture = small_png(page.screenshot(full_page=True))
            assert len(picture) < BYTES_MAX, name
            Path(FOLDER, f"{name}{suffix}.png").write_bytes(picture)
        watched.close()
        assert not watched.troubles, watched.troubles


def prepare(page: Page, name: str) -> None:
    """What is worth a look on that page."""
    if name == "tenants":
        page.get_by_role("button", name="search", exact=True).click()
        page.locator("#weight").fill("4")
        page.get_by_role("button", name="Show what it would do").first.click()
    if name == "money":
        page.locator("#of").fill("acme")
        page.get_by_role("button", name="Show", exact=True).click()
    if name == "requests":
        page.locator("#waiting").get_by_role("link").first.click()
