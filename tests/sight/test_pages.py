"""Every page, for everybody who may open it: no error in the console, nothing asked of elsewhere."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support.scripted_engine import ScriptedEngine
from support.serve import ADMIN_KEY, configuration, url_engine
from support.sight import Watched
from support.sight_scene import OPERATOR_KEY, SCENE_KEYS, VIEWER_KEY
from support.stage import Stage, stage

PAGES = {
    "/": "Now",
    "/tenants": "Tenants",
    "/requests": "Requests",
    "/engines": "Engines",
    "/money": "Money",
    "/alarms": "Alarms",
}


@pytest.mark.parametrize("credential", [VIEWER_KEY, ADMIN_KEY], ids=["viewer", "owner"])
def test_each_loads_without_a_word_in_the_console(
    live: Stage, watched: Watched, page: Page, credential: str
) -> None:
    watched.sign_in(live.admin_url, credential)
    for path, title in PAGES.items():
        page.goto(live.admin_url + path)
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        # Where alarms stand, their number is beside the word.
        link = page.get_by_role("link", name=re.compile(rf"^{title}\b"))
        expect(link).to_have_attribute("aria-current", "page")
        expect(page.locator("#lead")).not_to_contain_text("Asking")
        expect(page.locator("#lead")).not_to_contain_text("Waiting for the first")
        expect(page.locator("#notice")).to_be_hidden()


def test_a_viewer_sees_no_buttons_that_change_anything(
    live: Stage, watched: Watched, page: Page
) -> None:
    watched.sign_in(live.admin_url, VIEWER_KEY, to="/engines")
    expect(page.get_by_role("article", name="Engine berlin")).to_be_visible()
    expect(page.get_by_role("button", name="Drain")).to_have_count(0)
    page.goto(f"{live.admin_url}/tenants")
    page.get_by_role("button", name="search", exact=True).click()
    expect(page.locator("#panel")).to_contain_text("changes nothing")
    expect(page.locator("#panel button")).to_have_count(0)
    page.goto(f"{live.admin_url}/money")
    page.locator("#of").fill("acme")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#one")).to_contain_text("As a file")
    expect(page.get_by_role("button", name="Issue this statement")).to_have_count(0)
    # And had there been one, it would not have helped.
    watched.expected = ("403",)
    status = page.evaluate(
        "fetch('/api/v1/engines/berlin/drain', {method: 'POST'}).then((answer) => answer.status)"
    )
    assert status == 403


def test_an_engine_is_drained_and_resumed(live: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(live.admin_url, OPERATOR_KEY, to="/engines")
    card = page.get_by_role("article", name="Engine paris")
    card.get_by_role("button", name="Drain").click()
    expect(card.locator(".chip")).to_have_text("drained")
    expect(page.locator("#lead")).to_have_text("1 of 2 engines takes requests.")
    card.get_by_role("button", name="Resume").click()
    expect(card.locator(".chip")).to_have_text("up")


def test_a_tenants_key_opens_its_own_page_and_no_other(
    live: Stage, watched: Watched, page: Page
) -> None:
    page.goto(f"{live.admin_url}/signin")
    page.get_by_label("Credential or API key").fill(SCENE_KEYS["BATCH"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="globex/batch", level=1)).to_be_visible()
    expect(page.locator("#received")).to_contain_text("%")
    expect(page.locator("#ended")).to_contain_text("completed")
    expect(page.locator("#keys")).to_contain_text("this one")
    expect(page.locator("#use")).to_contain_text("large")
    page.locator("#ended").get_by_role("link").first.click()
    expect(page.locator(".sentences")).to_be_visible()
    assert "acme" not in page.content()
    assert "initech" not in page.content()
    page.goto(live.admin_url)
    expect(page).to_have_url(f"{live.admin_url}/me")
    watched.expected = ("403",)
    answer = page.goto(f"{live.admin_url}/money")
    assert answer is not None
    assert answer.status == 403


def test_without_a_ledger_the_page_of_money_says_so(
    watched: Watched, page: Page, tmp_path: Path
) -> None:
    def bare(engines: list[ScriptedEngine]) -> dict[str, Any]:
        return configuration(url_engine(engines[0].url))

    watched.expected = ("404",)
    with stage(tmp_path, bare, engines=1) as own:
        watched.sign_in(own.admin_url, to="/money")
        expect(page.locator("#lead")).to_have_text("There is no ledger.")
        expect(page.locator("#ledger")).to_contain_text("state")
        expect(page.locator("#gpu")).to_contain_text("No GPU time is kept.")


def test_a_statement_shows_its_corrections_among_its_lines(
    live: Stage, watched: Watched, page: Page
) -> None:
    watched.sign_in(live.admin_url, to="/money")
    expect(page.locator("#lines")).to_contain_text("globex/batch")
    status = page.evaluate(
        """fetch("/api/v1/corrections", {
            method: "POST",
            headers: {"content-type": "application/json"},
            body: JSON.stringify({
                tenant: "globex/batch", model: "large", money: "0.5",
                reason: "Set-up fee", reference: "FEE-1",
            }),
        }).then((answer) => answer.status)"""
    )
    assert status == 200
    page.locator("#of").fill("globex")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#one")).to_contain_text("Correction FEE-1: Set-up fee")


def test_signing_out_closes_the_door(live: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(live.admin_url, OPERATOR_KEY)
    expect(page.locator("#who")).to_have_text("otto, operator")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{live.admin_url}/signin")
    page.goto(f"{live.admin_url}/engines")
    expect(page).to_have_url(f"{live.admin_url}/signin?next=/engines")
    page.get_by_label("Credential or API key").fill("adm-wrong-credential-0123456789")
    watched.expected = ("401",)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert "adm-wrong" not in page.content()


def test_forms_refuse_what_cannot_be(live: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(live.admin_url, to="/tenants")
    page.get_by_role("button", name="search", exact=True).click()
    button = page.get_by_role("button", name="Show what it would do").first
    for weight in ("0", "-3", "1.5", "10001", ""):
        page.locator("#weight").fill(weight)
        button.click()
        assert not page.locator("#weight").evaluate("(field) => field.validity.valid"), weight
        expect(page.locator(".plan").first).to_be_empty()
    # What only the gateway can know, it says.
    page.get_by_text("Put it elsewhere").click()
    page.locator("#move-to").fill("acme/search/deep")
    watched.expected = ("400",)
    page.locator("details", has_text="Put it elsewhere").get_by_role("button").click()
    expect(page.get_by_role("alert").last).to_contain_text("there is no tenant")
    page.goto(f"{live.admin_url}/money")
    page.locator("#of").fill("acme")
    page.locator("#when").fill("the day before")
    page.get_by_role("button", name="Show", exact=True).click()
    assert not page.locator("#when").evaluate("(field) => field.validity.valid")


def test_light_and_dark_follow_the_system_and_the_button(
    live: Stage, watched: Watched, page: Page
) -> None:
    watched.sign_in(live.admin_url)
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    button = page.get_by_role("button", name="Switch between light and dark")
    button.click()
    assert page.evaluate(ground) == light
    page.reload()
    assert page.evaluate(ground) == light, "it is remembered"


def test_a_keyboard_is_enough(live: Stage, watched: Watched, page: Page) -> None:
    watched.sign_in(live.admin_url, to="/tenants")
    expect(page.get_by_role("button", name="search", exact=True)).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.textContent")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"nobody sees that {name!r} has the focus"
        if name == "research":
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "weight"
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.locator(".plan").first).to_contain_text("1 thing would change.")


def test_what_is_asked_for_has_a_name(live: Stage, watched: Watched, page: Page) -> None:
    """Fields have labels, tables have captions and headers, buttons have words."""
    watched.sign_in(live.admin_url)
    for path in PAGES:
        page.goto(live.admin_url + path)
        page.wait_for_timeout(1_500)
        nameless = page.evaluate(
            """[...document.querySelectorAll('input, select, button, a')].filter((one) =>
                one.checkVisibility() && !one.labels?.length && !one.textContent.trim()
                && !one.getAttribute('aria-label')).map((one) => one.outerHTML)"""
        )
        assert not nameless, json.dumps(nameless)
        bare = page.evaluate(
            """[...document.querySelectorAll('table')].filter((one) =>
                !one.caption || !one.querySelector('th[scope]')).map((one) => one.outerHTML)"""
        )
        assert not bare, json.dumps(bare)
