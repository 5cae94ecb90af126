"""The desk that keeps a gateway's keys: a reading that fails changes nothing, and many share one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from evenhand.cli import key_desk, stored_keys
from evenhand.cli.config import Config
from evenhand.cli.key_desk import KeyDesk
from evenhand.cli.keys.confirmation import confirm
from evenhand.gateway.identity import KeyRing
from evenhand.model import KeyId
from evenhand.stores import KeyTable, Pepper, StateFolder, StateProblemError, StoredKey, pepper_of
from evenhand.stores.control_socket import listen
from evenhand.stores.schema import open_to_write
from evenhand.telemetry import RequestLog
from support.on_loop import run_on_loop

CONFIG = Config.model_validate({"tenants": [{"name": "a"}], "state": {"folder": "s"}})


class Desk:
    """A desk with its ring, and the database that it reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = StateFolder(folder)
        connection = open_to_write(self.folder.database)
        self.pepper: Pepper = pepper_of(self.folder, connection)
        connection.close()
        self.lines: list[dict[str, Any]] = []
        self.log = RequestLog(lambda data: self.lines.extend(map(json.loads, data.splitlines())))
        self.ring = KeyRing([], self.pepper)
        self.desk = KeyDesk(CONFIG, self.folder, listen(self.folder), self.ring, self.log)

    def add(self, name: str, **more: Any) -> None:
        connection = open_to_write(self.folder.database)
        key = StoredKey(
            id=f"key_{name}",
            tenant="a",
            application="x",
            trust_domain="a",
            lane="default",
            models=("*",),
            open_requests_max=None,
            output_tokens_max=10**9,
            spend_max_nano=None,
            tokens_max=None,
            note="",
            created_ms=1,
        )
        KeyTable(connection).add(key._replace(**more), self.pepper.digest(name))
        connection.close()

    def knows(self, name: str) -> bool:
        holder = self.ring.holder(f"Bearer {name}")
        assert holder is None or holder.identity.key_id == KeyId(f"key_{name}")
        return holder is not None


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Desk]:
    desk = Desk(folder)
    await desk.desk.open()
    try:
        yield desk
    finally:
        await desk.desk.close()
        desk.log.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def told(desk: Desk, name: str, wait_s: float = 10) -> tuple[str, bool]:
    confirmation = await asyncio.to_thread(confirm, desk.folder, f"key_{name}", wait_s)
    return confirmation.words, confirmation.is_sound


def test_what_was_written_is_in_force_when_the_command_has_its_answer(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as desk:
            desk.add("one")
            assert not desk.knows("one")
            assert await told(desk, "one") == ("in force in the running gateway", True)
            assert desk.knows("one")
        desk.add("two")
        assert await told(desk, "two") == ("no gateway runs: in force from its next start", True)

    run_on_loop(main)


def test_a_reading_that_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as desk:
            desk.add("one")
            await desk.desk.reload()
            desk.add("two")
            away = desk.folder.path / "away"
            desk.folder.database.rename(away)
            words, is_sound = await told(desk, "two")
            assert not is_sound
            assert "NOT confirmed" in words
            assert "there is no state database" in words
            assert desk.knows("one")
            assert not desk.knows("two")
            away.rename(desk.folder.database)
            assert (await told(desk, "two"))[1]
            assert desk.knows("two")

    run_on_loop(main)


def test_a_damaged_database_is_told_of(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as desk:
            desk.add("one")
            await desk.desk.reload()
            sound = desk.folder.database.read_bytes()
            desk.folder.database.write_bytes(b"nonsense" * 1_000)
            with pytest.raises(StateProblemError, match="cannot be read"):
                await desk.desk.reload()
            assert desk.knows("one")
            desk.folder.database.write_bytes(sound)

    run_on_loop(main)


def test_however_many_ask_one_reading_waits_for_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = 0
    read = stored_keys.read_changes

    def counted(*arguments: Any) -> Any:
        nonlocal readings
        readings += 1
        return read(*arguments)

    monkeypatch.setattr(key_desk, "read_changes", counted)

    async def main() -> None:
        nonlocal readings
        async with opened(tmp_path) as desk:
            readings = 0
            first = asyncio.create_task(desk.desk.reload())
            while not readings:  # noqa: ASYNC110 - counted in another thread
                await asyncio.sleep(0)
            # It is under way, and may miss what comes.
            desk.add("one")
            await asyncio.gather(first, *(desk.desk.reload() for _ in range(500)))
            assert desk.knows("one")
            assert readings == 2

    run_on_loop(main)


def test_who_gives_up_waiting_takes_nobody_with_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as desk:
            desk.add("one")
            impatient = asyncio.create_task(desk.desk.reload())
            patient = asyncio.create_task(desk.desk.reload())
            await asyncio.sleep(0)
            impatient.cancel()
            await patient
            assert desk.knows("one")
            assert impatient.cancelled()

    run_on_loop(main)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ({"tenant": "nobody"}, "there is no tenant nobody"),
        ({"lane": "fast"}, "there is no lane fast"),
        ({"models": ("m", "old")}, "no engine serves m"),
        ({"spend_max_nano": 5}, "nothing is priced"),
    ],
)
def test_what_the_configuration_has_no_place_for_is_ignored(
    tmp_path: Path, gone: dict[str, Any], words: str
) -> None:
    async def main() -> None:
        async with opened(tmp_path) as desk:
            desk.add("one", trust_domain="other", **gone)
            desk.add("two")
            said, is_sound = await told(desk, "one")
            assert not is_sound
            assert words in said
            assert not desk.knows("one")
            assert desk.knows("two")
            assert desk.ring.trust_domains == {"a", "other"}, "it may have been in force before"

    run_on_loop(main)


def test_a_key_that_is_ignored_is_logged_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as desk:
            desk.add("one", tenant="nobody")
            desk.add("two")
            for _ in range(3):
                words, is_sound = await told(desk, "one")
                assert not is_sound
                assert "there is no tenant nobody" in words
            assert not desk.knows("one")
            assert desk.knows("two"), "a limit above the gateway's own does no harm"
            assert (await told(desk, "two"))[1]
        ignored = [line for line in desk.lines if line["event"] == "key_ignored"]
        assert [line["key"] for line in ignored] == ["key_one"]

    run_on_loop(main)
