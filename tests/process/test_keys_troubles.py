"""`evenhand keys` when something is wrong: a gateway that hangs or was killed, a lost pepper."""

import asyncio
import os
import signal
import sqlite3
import stat
from pathlib import Path

import pytest

from support.keys import Keys
from support.ledger import rows
from support.on_loop import run_on_loop
from support.serve import SECRETS, end, serving, spawn, url_engine

FAR = url_engine("http://127.0.0.1:1")
IN_FORCE = "in force in the running gateway"
AT_NEXT_START = "no gateway runs: in force from its next start"


def test_a_gateway_that_hangs_is_told_of_and_catches_up(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with serving(keys.configure(FAR), folder=tmp_path) as served:
            made = await keys.create("a")
            served.signal(signal.SIGSTOP)
            gone = await keys.quick("revoke", made.key_id, "--wait-s", "0.3")
            assert gone.code == 1
            assert "NOT confirmed" in gone.stderr
            lost = await keys.quick("create", "a", "--wait-s", "0.3")
            assert lost.code == 1
            assert lost.key, "it is in the database: whoever asked must have it"
            served.signal(signal.SIGCONT)
            assert (await keys.quick("revoke", made.key_id)).code == 0
            statuses = [(await served.get("/v1/models", key=r.key)).status for r in (made, lost)]
            assert statuses == [401, 200]
            assert await served.stop() == 0

    run_on_loop(main)


def test_a_killed_gateway_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        config = keys.configure(FAR)
        async with serving(config, folder=tmp_path) as served:
            served.signal(signal.SIGKILL)
            await served.ended()
        assert (keys.state / "control.sock").is_socket()
        made = await keys.create("a")
        assert AT_NEXT_START in made.stderr
        async with serving(config, folder=tmp_path) as served:
            assert IN_FORCE in (await keys.create("a")).stderr
            assert (await served.get("/v1/models", key=made.key)).status == 200

    run_on_loop(main)


def test_a_gateway_killed_while_a_command_waits(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with serving(keys.configure(FAR), folder=tmp_path) as served:
            served.signal(signal.SIGSTOP)
            waiting = asyncio.create_task(keys.quick("create", "a"))
            while not rows(keys.state / "evenhand.db", "SELECT * FROM api_key"):  # noqa: ASYNC110 - another thread's
                await asyncio.sleep(0.01)
            served.signal(signal.SIGKILL)
            made = await waiting
            assert made.code == 0
            assert AT_NEXT_START in made.stderr

    run_on_loop(main)


def test_a_folder_too_deep_for_a_sockets_address(tmp_path: Path) -> None:
    async def main() -> None:
        folder = tmp_path / ("d" * 100) / ("e" * 100)
        folder.mkdir(parents=True)
        keys = Keys(folder)
        async with serving(keys.configure(FAR), folder=folder) as served:
            made = await keys.create("a")
            assert IN_FORCE in made.stderr
            assert (await served.get("/v1/models", key=made.key)).status == 200
            assert await served.stop() == 0
        assert not (keys.state / "control.sock").exists()

    run_on_loop(main)


@pytest.mark.parametrize("harm", ["missing", "other"])
def test_a_wrong_pepper_stops_gateway_and_commands(tmp_path: Path, harm: str) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        keys.configure(FAR)
        await keys.create("a")
        pepper = keys.state / "pepper"
        pepper.unlink() if harm == "missing" else pepper.write_bytes(b"x" * 32)
        ran = await keys.quick("create", "a")
        assert (ran.code, ran.stdout) == (1, "")
        assert "restore" in ran.stderr
        process = await spawn("serve", str(keys.file), "--announce")
        try:
            async with asyncio.timeout(20):
                stdout, stderr = await process.communicate()
        finally:
            await end(process)
        assert (process.returncode, stdout) == (1, b"")
        assert str(pepper) in stderr.decode()
        assert b"Traceback" not in stderr
        assert len(await keys.listed()) == 1, "no key was made"

    run_on_loop(main)


def test_a_pepper_that_is_lost_for_good_costs_the_secrets_alone(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        config = keys.configure(FAR)
        made = await keys.create("a", "--tokens-max", "7")
        (keys.state / "pepper").unlink()
        connection = sqlite3.connect(keys.state / "evenhand.db")
        connection.execute("DELETE FROM pepper")
        connection.commit()
        connection.close()
        async with serving(config, folder=tmp_path) as served:
            assert (await served.get("/v1/models", key=made.key)).status == 401
            turned = await keys.quick("rotate", made.key_id)
            assert (turned.code, turned.key_id) == (0, made.key_id)
            assert (await served.get("/v1/models", key=turned.key)).status == 200
            assert (await keys.listed())[0]["limits"]["tokens_max"] == 7

    run_on_loop(main)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        async with serving(keys.configure(FAR), folder=tmp_path):
            await keys.create("a")
            assert stat.S_IMODE(keys.state.stat().st_mode) == 0o700
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in keys.state.iterdir()}
            assert set(modes.values()) == {0o600}, modes
            assert {"control.sock", "pepper", "evenhand.db"} <= modes.keys()

    run_on_loop(main)


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        (("create", "nobody"), ("TENANT", "there is no tenant nobody; known: a, b")),
        (("create", "a//b"), ("TENANT", "names joined by slashes")),
        (("create", "a", "--lane", "fast"), ("--lane", "there is no lane fast; known: default")),
        (("create", "a", "--model", "x"), ("--model", "no engine serves x; known: m")),
        (("create", "a", "--spend-max", "5"), ("--spend-max", "add a `prices` section")),
        (("create", "a", "--tokens-max", "0"), ("--tokens-max", "a whole number from 1")),
        (("create", "a", "--output-tokens-max", "9999999"), ("--output-tokens-max", "lower it")),
        (("create", "a", "--application", "x y"), ("--application", "a name (1 to 64")),
        (("create", "a", "--note", "x\ny"), ("--note", "one line")),
        (("create", "a", "--expires", "soon"), ("--expires", "30m, 12h, 90d")),
        (("rotate", "key_aaaaaaaaaaaa"), ("no key key_aaaaaaaaaaaa", "list --all")),
        (("revoke", "key_aaaaaaaaaaaa"), ("no key key_aaaaaaaaaaaa", "list --all")),
        (("revoke", "evh_secret-canary"), ("not the id of a key", "standard input")),
    ],
)
def test_what_cannot_be_is_explained(
    tmp_path: Path, words: tuple[str, ...], hints: tuple[str, ...]
) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        keys.configure(FAR)
        ran = await keys.quick(*words)
        assert ran.code > 0
        assert not ran.stdout
        assert all(hint in " ".join(ran.stderr.split()) for hint in hints), ran.stderr
        assert "canary" not in ran.stderr
        assert not await keys.listed("--all")

    run_on_loop(main)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_another_users_folder_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        keys.configure(FAR)
        await keys.create("a")
        os.chown(keys.state, 12_345, -1)
        for words in (("create", "a"), ("list",), ("revoke", "key_aaaaaaaaaaaa")):
            ran = await keys.quick(*words)
            assert ran.code == 1
            assert "is user 12345's: run this as that user" in ran.stderr

    run_on_loop(main)


def test_without_a_state_section_there_is_nowhere_to_keep_keys(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        keys.configure(FAR, state=None, keys=[{"key": "env:KEY_A", "tenant": "a"}])
        for words in (("create", "a"), ("list",), ("revoke", "key_aaaaaaaaaaaa")):
            ran = await keys.quick(*words)
            assert ran.code == 1
            assert "add `state: {folder: state}`" in ran.stderr
        keys.configure(FAR, state=None)
        ran = await keys.quick("list")
        assert "`evenhand keys create`" in ran.stderr, "there is no key at all"

    run_on_loop(main)


def test_a_secret_that_both_have_is_the_configurations(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        keys.configure(FAR)
        made = await keys.create("b")
        config = keys.configure(FAR, keys=[{"key": "env:COPIED", "tenant": "a"}])
        environment = {"COPIED": made.key}
        async with serving(config, folder=tmp_path, environment=environment) as served:
            line = await served.logged("key_ignored", key=made.key_id)
            assert "the same secret" in line["reason"]
            assert (await served.get("/v1/models", key=made.key)).status == 200
            assert (await keys.quick("revoke", made.key_id)).code == 0
            assert (await served.get("/v1/models", key=made.key)).status == 200

    assert "COPIED" not in SECRETS
    run_on_loop(main)
