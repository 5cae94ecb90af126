"""Keys of the state database beside the configuration: what each stands for, or why it stands for
nothing there. The rules and their words are the ones for keys in the file."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from evenhand.cli.composition import identification
from evenhand.cli.config import Config, Key, KeyLimits, SecretReference, key_problems
from evenhand.gateway.identity import Grant, Identity
from evenhand.model import KeyId, TrustDomain
from evenhand.stores import KeyTable, StoredKey
from evenhand.stores.schema import open_to_read


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """What became of keys, up to the change numbered `last`: those that are in force, those that have
    ended, and those that the configuration has no place for, with the reason. `trust_domains` are of
    all of them."""

    last: int
    in_force: list[tuple[Identity, list[Grant]]]
    ended: list[KeyId]
    ignored: Mapping[KeyId, str]
    trust_domains: set[TrustDomain]


def read_changes(database: Path, config: Config, after: int, now_ms: int) -> KeyChanges:
    """Read what has changed after that change. Raises StateProblemError, or sqlite3.Error where the
    disk fails."""
    connection = open_to_read(database)
    try:
        table = KeyTable(connection)
        connection.execute("BEGIN")  # all from one moment
        changed = list(table.changed_since(after))
        secrets = list(table.secrets_changed_since(after))
    finally:
        connection.close()
    keys = {KeyId(key.id): as_configured(key) for key in changed if not key.has_ended(now_ms)}
    ignored = dict(reasons_to_ignore(config, keys))
    identify = identification(config)
    grants: dict[str, list[Grant]] = defaultdict(list)
    for digest, key_id, ends_ms in secrets:
        if ends_ms is None or ends_ms > now_ms:
            grants[key_id].append(Grant(digest, ends_ms))
    return KeyChanges(
        last=changed[-1].change if changed else after,
        in_force=[
            (identify(key, key_id), grants[key_id])
            for key_id, key in keys.items()
            if key_id not in ignored
        ],
        ended=[KeyId(key.id) for key in changed if key.has_ended(now_ms)],
        ignored=ignored,
        trust_domains={TrustDomain(key.trust_domain) for key in changed},
    )


def as_configured(key: StoredKey) -> Key:
    """The key as the configuration would have it. Its values were checked when it was made."""
    return Key.model_construct(
        key=SecretReference("state", key.id),
        tenant=tuple(key.tenant.split("/")),
        application=key.application,
        trust_domain=key.trust_domain,
        lane=key.lane,
        models=key.models,
        limits=_limits(
            key.open_requests_max, key.output_tokens_max, key.spend_max_nano, key.tokens_max
        ),
    )


@lru_cache(maxsize=1_024)
def _limits(
    open_requests: int | None, output_tokens: int | None, spend_nano: int | None, tokens: int | None
) -> KeyLimits:
    """Few keys have limits of their own, and there may be a hundred thousand keys."""
    return KeyLimits.model_construct(
        open_requests_max=open_requests,
        output_tokens_max=output_tokens,
        spend_max=spend_nano,
        tokens_max=tokens,
    )


def reasons_to_ignore(config: Config, keys: Mapping[KeyId, Key]) -> Iterator[tuple[KeyId, str]]:
    """The first thing that speaks against each key that the configuration has no place for. A limit
    above the gateway's own does not: the lower one holds."""
    ids = list(keys)
    seen = set()
    for place, message in key_problems(config, keys.values()):
        index = place[1]
        assert isinstance(index, int)
        if index not in seen and place[2:] != ("limits", "output_tokens_max"):
            seen.add(index)
            yield ids[index], message
