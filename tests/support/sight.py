"""A browser whose console and network are watched."""

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from support.serve import ADMIN_KEY

_LOOPBACK = "127.0.0.1"


class Watched:
    """One person's browser. `troubles` are errors and warnings of its console and of its scripts,
    `strangers` what it asked of other hosts; both must stay empty."""

    def __init__(self, browser: Browser, **more: Any) -> None:
        viewport = {"width": 1280, "height": 900}
        self.context = browser.new_context(viewport=viewport, **more)  # type: ignore[arg-type]
        self.troubles: list[str] = []
        self.strangers: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Parts of messages that the test brings about."""
        self.context.route("**/*", self._route)
        self.page = self.open()

    def open(self) -> Page:
        """One tab more."""
        page = self.context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        return page

    def sign_in(self, admin_url: str, credential: str = ADMIN_KEY, *, to: str = "/") -> None:
        self.page.goto(f"{admin_url}/signin?next={to}")
        self.page.get_by_label("Credential or API key").fill(credential)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{admin_url}{to}")

    def until(self, expression: str, *, seconds: int = 30) -> None:
        """Wait until that is so in the page. Asked from outside: the page's own policy forbids it to
        evaluate text."""
        for _ in range(seconds * 10):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"it has not come about: {expression}")

    def close(self) -> None:
        self.context.close()

    def _console(self, message: ConsoleMessage) -> None:
        is_expected = any(part in message.text for part in self.expected)
        if message.type in ("error", "warning") and not is_expected:
            self.troubles.append(f"{message.type}: {message.text} at {message.location}")

    def _route(self, route: Route) -> None:
        if urlsplit(route.request.url).hostname == _LOOPBACK:
            route.continue_()
        else:
            self.strangers.append(route.request.url)
            route.abort()
