"""Whatever is done to keys in whatever order: the gateway's ring knows exactly the secrets that a simple
model says are valid, and each as the key it belongs to. Through the real database and the real desk."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from evenhand.cli.config import Config
from evenhand.cli.key_desk import KeyDesk
from evenhand.gateway.identity import KeyRing
from evenhand.model import KeyId
from evenhand.stores import KeyTable, StateFolder, StateProblemError, StoredKey, pepper_of
from evenhand.stores.control_socket import listen
from evenhand.stores.key_text import new_key, new_key_id
from evenhand.stores.schema import open_to_write
from evenhand.telemetry import RequestLog
from support.stateful_steps import steps_of

CONFIG = Config.model_validate(
    {"tenants": [{"name": "a"}, {"name": "b"}], "state": {"folder": "s"}}
)
SPANS = st.integers(1, 5_000)


@dataclass
class Modelled:
    """A key as the model has it: its secrets with their ends."""

    id: str
    tenant: str
    expires_ms: int | None
    is_revoked: bool = False
    ends: dict[str, int | None] = field(default_factory=dict)

    def is_valid(self, secret: str, now_ms: int) -> bool:
        ends = [self.expires_ms, self.ends[secret]]
        return not self.is_revoked and all(end is None or now_ms < end for end in ends)


class KeysMachine(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000_000
        self.keys: dict[str, Modelled] = {}
        self.folder = StateFolder(Path(tempfile.mkdtemp(prefix="evenhand-keys-")))
        self.connection = open_to_write(self.folder.database)
        self.table = KeyTable(self.connection)
        self.pepper = pepper_of(self.folder, self.connection)
        self.log = RequestLog(lambda _: None)
        self.runner = asyncio.Runner()
        self.runner.run(self.start())

    async def start(self) -> None:
        self.ring = KeyRing([], self.pepper)
        self.ring.wall_ms = lambda: self.now_ms
        self.desk = KeyDesk(CONFIG, self.folder, listen(self.folder), self.ring, self.log)
        await self.desk.open()

    def teardown(self) -> None:
        self.runner.run(self.desk.close())
        self.runner.close()
        self.log.close()
        self.connection.close()
        shutil.rmtree(self.folder.path)

    @rule(target=ids, tenant=st.sampled_from("abx"), lasts_ms=st.none() | SPANS)
    def create(self, tenant: str, lasts_ms: int | None) -> str:
        key = Modelled(new_key_id(), tenant, None if lasts_ms is None else self.now_ms + lasts_ms)
        secret = new_key()
        key.ends[secret] = None
        self.keys[key.id] = key
        stored = StoredKey(
            id=key.id,
            tenant=tenant,
            application="x",
            trust_domain=tenant,
            lane="default",
            models=("*",),
            open_requests_max=None,
            output_tokens_max=None,
            spend_max_nano=None,
            tokens_max=None,
            note="",
            created_ms=self.now_ms,
            expires_ms=key.expires_ms,
        )
        self.table.add(stored, self.pepper.digest(secret))
        return key.id

    @rule(key_id=ids, grace_ms=st.just(0) | SPANS)
    def rotate(self, key_id: str, grace_ms: int) -> None:
        key, secret = self.keys[key_id], new_key()
        until_ms = self.now_ms + grace_ms
        try:
            self.table.rotate(key_id, self.pepper.digest(secret), self.now_ms, until_ms)
        except StateProblemError:
            assert key.is_revoked or (key.expires_ms or self.now_ms + 1) <= self.now_ms
            return
        for old, end in key.ends.items():
            key.ends[old] = until_ms if end is None else min(end, until_ms)
        key.ends[secret] = None

    @rule(key_id=ids)
    def revoke(self, key_id: str) -> None:
        self.table.revoke(key_id, self.now_ms)
        self.keys[key_id].is_revoked = True

    @rule(span_ms=SPANS)
    def time_passes(self, span_ms: int) -> None:
        self.now_ms += span_ms

    @rule()
    def restart(self) -> None:
        self.runner.run(self.desk.close())
        self.runner.run(self.start())

    @rule(target=ids, count=st.integers(2, 5))
    def many_ask_at_once(self, count: int) -> object:
        async def ask() -> None:
            await asyncio.gather(*(self.desk.reload() for _ in range(count)))

        self.runner.run(ask())
        return multiple()

    @invariant()
    def the_ring_knows_what_the_model_says(self) -> None:
        self.runner.run(self.desk.reload())
        for key in self.keys.values():
            for secret in key.ends:
                holder = self.ring.holder(f"Bearer {secret}")
                # There is no tenant x in the configuration.
                is_valid = key.is_valid(secret, self.now_ms) and key.tenant != "x"
                assert (holder is not None) == is_valid, key
                if holder is not None:
                    assert holder.identity.key_id == KeyId(key.id)
                    assert holder.identity.tenant == (key.tenant,)
        # Nothing is deleted, and domains stay.
        assert {key.id for key in self.table.all()} == set(self.keys)
        assert self.ring.trust_domains == {key.tenant for key in self.keys.values()}


@pytest.mark.timeout(600)
def test_keys_are_what_was_asked_for_whatever_happens() -> None:
    run_state_machine_as_test(KeysMachine, settings=steps_of("keys"))
