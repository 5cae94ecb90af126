"""What the frames are made of: samples and alarms, asked of the gateway second by second."""

from collections import deque
from typing import Any

from evenhand.cli.admin_page import AdminPageError, fetch
from evenhand.cli.config import Admin, Secret

SMOOTHED_S = 5
"""Shares are shown over so many seconds: those of one jump about too much to be read."""


class Feed:
    """The newest samples of a gateway. `trouble` says why the last question was not answered."""

    def __init__(self, admin: Admin, credential: Secret | None) -> None:
        self._admin = admin
        self._credential = credential
        self.samples: deque[dict[str, Any]] = deque(maxlen=SMOOTHED_S)
        self.alarms: list[dict[str, Any]] = []
        self.trouble: str | None = None

    @property
    def latest(self) -> dict[str, Any] | None:
        """None: there is none yet."""
        return self.samples[-1] if self.samples else None

    def ask(self) -> None:
        """What is new. Raises AdminPageError."""
        since = self.samples[-1]["seq"] if self.samples else -1
        page = fetch(
            self._admin, f"/api/v1/samples?since={since}&last={SMOOTHED_S}", self._credential
        )
        if "samples" not in page:
            raise AdminPageError("what answers there is no page of Evenhand: check admin.listen")
        if page["latest"] < since:
            self.samples.clear()  # another gateway than before: it counts from 1
            self.ask()
            return
        self.samples.extend(page["samples"])
        self.alarms = fetch(self._admin, "/api/v1/alarms", self._credential)["standing"]

    def try_to_ask(self) -> None:
        """The same while we go on: what went wrong is kept in `trouble`."""
        try:
            self.ask()
        except AdminPageError as error:
            self.trouble = str(error)
        else:
            self.trouble = None
