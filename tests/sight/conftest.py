"""Tests in which people and Prometheus look at a gateway: `make test-sight`. Elsewhere they are skipped,
and say so."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.sight import Watched
from support.sight_scene import SCENE_SECRETS, scene
from support.stage import Stage, stage

HERE = Path(__file__).parent
IS_ASKED = bool(os.environ.get("EVENHAND_SIGHT"))

expect.set_options(timeout=25_000)  # a machine may be busy: what has come about by then is right


class NotAsked(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        raise pytest.skip.Exception("for people's eyes: make test-sight", allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    return None if IS_ASKED else NotAsked.from_parent(parent, path=module_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as the system has it. Of one module: while it is open no other loop can run in this
    thread."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "there is no chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        # Without its own sandbox and /dev/shm it runs in containers too.
        flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A browser of somebody; at the end nothing was wrong in it and nothing asked of elsewhere."""
    own = Watched(browser)
    yield own
    own.close()
    assert not own.troubles, own.troubles
    assert not own.strangers, own.strangers


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway under load. Tests may change it; they put back what others look at."""
    with stage(tmp_path_factory.mktemp("live"), scene, environment=SCENE_SECRETS) as own:
        own.traffic("SEARCH", clients=6, model="small")
        own.traffic("SUPPORT", clients=1, pause_s=0.3, model="small")
        own.traffic("BATCH", clients=8, tokens=60, model="large")
        own.traffic("BATCH", clients=4, tokens=60, model="small")
        own.traffic("CHAT", clients=3, model="large")
        yield own
