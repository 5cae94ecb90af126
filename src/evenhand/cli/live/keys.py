"""The keys of the file and of the state database while tenants, lanes and references change."""

from dataclasses import replace

from evenhand.cli.composition import identification
from evenhand.cli.config import Config, walk
from evenhand.cli.config.problem import Finding
from evenhand.cli.key_desk import KeyDesk
from evenhand.cli.live.beginning import Outside
from evenhand.cli.live.participant import Apply
from evenhand.cli.live.tree_steps import moves_of, tree_steps
from evenhand.gateway.at_home import follow, moved
from evenhand.gateway.gateway import Gateway
from evenhand.gateway.identity import Identity
from evenhand.model import KeyId, TenantPath
from evenhand.scheduling.tree_change import SetWeight


class Keys:
    """See `Participant`. Secrets are those that `outside` has read for the new configuration, so that a
    reload also takes another secret behind the same reference."""

    sections = frozenset({"keys"})

    def __init__(self, gateway: Gateway, outside: Outside, desk: KeyDesk | None) -> None:
        """`desk` has the keys of the state database; None: there are none."""
        self._gateway = gateway
        self._outside = outside
        self._in_force = outside.secrets
        self._desk = desk

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        ring, secrets = self._gateway.keys, self._outside.secrets
        steps = tree_steps(old.tenants, new.tenants)
        moves = moves_of(steps)
        has_other_places = any(not isinstance(step, SetWeight) for step in steps)
        has_other_places = has_other_places or _places(old) != _places(new)
        seat = _Seat(new, moves) if has_other_places else None
        if seat is None and secrets is self._in_force and old.keys == new.keys:
            return lambda: None
        identify = identification(new)
        keys = [
            (ring.digest(secret.reveal()), identify(key, KeyId(str(key.key))))
            for key, secret in zip(new.keys, secrets.keys, strict=True)
        ]

        def apply() -> None:
            ring.configure(keys)
            self._in_force = secrets
            if seat is None:
                return
            for before, after in moves:
                follow({call.holder for call in self._gateway.calls}, before, after)
            ring.reseat(seat)
            if self._desk is not None:
                self._desk.follow(new)

        return apply


def _places(config: Config) -> tuple[object, ...]:
    """What decides which keys of the state database have a place, apart from tenants."""
    models = {model for engine in config.engines for model in engine.models}
    return config.lanes, models, config.limits.output_tokens_max, config.prices is None


class _Seat:
    """Where a stored key belongs from now on; None: nowhere. The database is read again soon after, so
    this need not know all reasons, only those that could break something at once."""

    def __init__(self, config: Config, moves: list[tuple[TenantPath, TenantPath]]) -> None:
        self._leaves = {path for _, path, tenant in walk(config.tenants) if not tenant.children}
        self._waits_ms = {lane.name: round(lane.queue_wait_s_max * 1000) for lane in config.lanes}
        self._moves = moves

    def __call__(self, identity: Identity) -> Identity | None:
        for before, after in self._moves:
            identity = moved(identity, before, after)
        wait_ms = self._waits_ms.get(identity.lane)
        if identity.tenant not in self._leaves or wait_ms is None:
            return None
        return replace(identity, queue_wait_ms_max=wait_ms)
