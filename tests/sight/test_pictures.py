"""Pictures of every page with real traffic, for docs/dashboard.md: `make pictures`. They are looked at
before they are committed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from support.sight import Watched
from support.sight_scene import SCENE_KEYS, SCENE_SECRETS, scene
from support.small_png import small_png
from support.stage import Stage, stage

FOLDER = os.environ.get("EVENHAND_PICTURES")
SECONDS = int(os.environ.get("EVENHAND_PICTURES_S", "150"))
BYTES_MAX = 200_000
PAGES = ("now", "tenants", "requests", "engines", "money", "alarms")

pytestmark = [
    pytest.mark.skipif(FOLDER is None, reason="no pictures are asked for: make pictures"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def eventful(tmp_path: Path) -> Iterator[Stage]:
    """A gateway with a history: a calm beginning, a flood, and a newcomer."""
    with stage(tmp_path, scene, environment=SCENE_SECRETS) as own:
        own.tell_signals()
        own.traffic("SEARCH", clients=6, model="small")
        own.traffic("SUPPORT", clients=1, pause_s=0.3, model="small")
        own.traffic("CHAT", clients=3, model="large")
        time.sleep(SECONDS / 3)
        own.traffic("BATCH", clients=12, tokens=60, model="large")
        own.traffic("BATCH", clients=6, tokens=60, model="small")
        time.sleep(SECONDS / 3)
        own.traffic("RESEARCH", clients=4, model="small", words=200)
        time.sleep(SECONDS / 3)
        yield own


def test_every_page_is_pictured(eventful: Stage, browser: Browser) -> None:
    owner = Watched(browser, color_scheme="light")
    owner.sign_in(eventful.admin_url)
    for name in PAGES:
        owner.page.goto(eventful.admin_url + ("/" if name == "now" else f"/{name}"))
        prepare(owner.page, name)
        take(owner.page, name)
    tenant = Watched(browser, color_scheme="light")
    tenant.sign_in(eventful.admin_url, SCENE_KEYS["BATCH"], to="/me")
    take(tenant.page, "me")
    at_night = Watched(browser, color_scheme="dark")
    at_night.sign_in(eventful.admin_url)
    take(at_night.page, "now-dark")
    for watched in (owner, tenant, at_night):
        watched.close()
        assert not watched.troubles, watched.troubles


def take(page: Page, name: str) -> None:
    assert FOLDER is not None
    page.wait_for_timeout(4_000)
    page.evaluate("scrollTo(0, 0)")
    picture = small_png(page.screenshot(full_page=True))
    assert len(picture) < BYTES_MAX, name
    Path(FOLDER, f"{name}.png").write_bytes(picture)


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
