"""The secret of a key is shown once, on standard output, and is nowhere else: not in what any command
says, not in the state folder, not in the gateway's log, metrics or state, not in a command line."""

import base64
import json
from pathlib import Path

from evenhand.stores.key_text import PREFIX
from support.keys import Keys
from support.on_loop import run_on_loop
from support.scripted_engine import ScriptedEngine
from support.serve import serving, url_engine

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def forms(key: str) -> set[bytes]:
    """All in which a secret could lie around."""
    secret = key[len(PREFIX) : -6]
    number = 0
    for digit in secret:
        number = number * 62 + DIGITS.index(digit)
    raw = number.to_bytes(32, "big")
    texts = {secret.encode(), raw.hex().encode(), base64.b64encode(raw), raw}
    return texts | {key.encode()[::-1], base64.b64encode(key.encode())}


def test_a_secret_is_shown_once_and_is_nowhere_else(tmp_path: Path) -> None:
    async def main() -> None:
        keys = Keys(tmp_path)
        said: list[bytes] = []
        async with ScriptedEngine(("m",)) as engine:
            config = keys.configure(url_engine(engine.url))
            first = await keys.quick("create", "a", "--note", "n")
            async with serving(config, folder=tmp_path) as served:
                await served.logged("engine", up=True)
                second = await keys.run("create", "b", "--tokens-max", "100000")
                third = await keys.quick("rotate", first.key_id, "--grace", "1h")
                shown = [ran.key for ran in (first, second, third)]
                assert len(set(shown)) == 3
                said += [ran.stderr.encode() for ran in (first, second, third)]
                for key in shown:
                    assert (await served.post(CHAT, key=key)).status == 200
                    for words in (["list"], ["list", "--json"], ["list", "--all"]):
                        ran = await keys.quick(*words)
                        said.append((ran.stdout + ran.stderr).encode())
                    for words in (["revoke", key], ["rotate", key], ["revoke", f"x{key}"]):
                        ran = await keys.quick(*words)
                        assert ran.code
                        said.append((ran.stdout + ran.stderr).encode())
                    mistyped = await keys.quick("revoke", "-", stdin=key[:-1] + "\n")
                    assert "mistyped" in mistyped.stderr
                    said.append((mistyped.stdout + mistyped.stderr).encode())
                answers = [await served.admin(path) for path in ("/state", "/metrics", "/readyz")]
                answers += [await served.get("/v1/models", key=key) for key in shown]
                said += [json.dumps(answer.headers).encode() + answer.body for answer in answers]
                said.append(keys.bytes_of_state())
                for key in shown:
                    gone = await keys.quick("revoke", "-", stdin=key)
                    assert gone.code == 0
                    said.append((gone.stdout + gone.stderr).encode())
                    answer = await served.post(CHAT, key=key)
                    assert answer.status == 401
                    said.append(answer.body)
                assert await served.stop() == 0
                said.append(served.output.encode())
                said.append(keys.bytes_of_state())
                said += [
                    str(request.headers).encode() + request.body for request in engine.requests
                ]
        assert sum(map(len, said)) > 100_000
        for key in shown:
            for form in forms(key):
                assert not [text for text in said if form in text], key

    run_on_loop(main, limit_s=55)


def test_the_search_finds_what_it_is_for() -> None:
    from evenhand.stores.key_text import key_text  # noqa: PLC0415 - the subject of this test alone

    secret = bytes(range(32))
    assert secret in forms(key_text(secret))
    assert key_text(secret)[4:-6].encode() in forms(key_text(secret))


def test_the_database_alone_tests_and_plants_nothing(tmp_path: Path) -> None:
    """Who has the database but not the pepper can neither try keys on it nor add one that works."""

    async def main() -> None:
        keys = Keys(tmp_path)
        config = keys.configure(url_engine("http://127.0.0.1:1"))
        made = await keys.create("a")
        stolen = (keys.state / "evenhand.db").read_bytes()
        other = Keys(tmp_path / "other")
        other.folder.mkdir()
        other.configure(url_engine("http://127.0.0.1:1"))
        planted = await other.create("a")
        # The database of one with the pepper of the other.
        for file in keys.state.glob("evenhand.db*"):
            file.unlink()
        (keys.state / "evenhand.db").write_bytes((other.state / "evenhand.db").read_bytes())
        refused = await keys.quick("revoke", "-", stdin=planted.key)
        assert "is not the pepper" in refused.stderr
        (keys.state / "evenhand.db").write_bytes(stolen)
        async with serving(config, folder=tmp_path) as served:
            assert (await served.get("/v1/models", key=made.key)).status == 200
            assert (await served.get("/v1/models", key=planted.key)).status == 401

    run_on_loop(main)
