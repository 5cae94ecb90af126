"""`evenhand keys list`: every key, without its secret."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from evenhand.cli.config import Config
from evenhand.cli.keys.options import FILE, File
from evenhand.cli.keys.place import own
from evenhand.cli.state_access import problems_told
from evenhand.cli.stored_keys import as_configured, reasons_to_ignore
from evenhand.ledger.money import decimal_text
from evenhand.model import KeyId
from evenhand.stores import KeyTable, StateFolder, StoredKey
from evenhand.stores.schema import open_to_read

_COLUMNS = ("id", "tenant", "application", "lane", "models", "limits", "created", "state", "note")


def list_keys(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="An object a line.")] = False,
    ended: Annotated[bool, typer.Option("--all", help="Also what is revoked or expired.")] = False,
    file: File = FILE,
) -> None:
    """List the keys of the state database; those in the configuration file are not among them."""
    now_ms = time.time_ns() // 1_000_000
    with problems_told(file):
        config, folder = own(file)
        keys = [key for key in _stored(folder) if ended or not key.has_ended(now_ms)]
    ignored = without_place(config, keys)
    found = [described(key, ignored.get(KeyId(key.id)), now_ms) for key in keys]
    if as_json:
        for description in found:
            typer.echo(orjson.dumps(description))
    elif found:
        for line in _table([_cells(description) for description in found]):
            typer.echo(line)
    else:
        said = "There are no keys but those of the file: `evenhand keys create TENANT` makes one."
        typer.echo(said, err=True)


def _stored(folder: StateFolder) -> list[StoredKey]:
    if not folder.database.exists():
        return []
    connection = open_to_read(folder.database)
    try:
        return list(KeyTable(connection).all())
    finally:
        connection.close()


def without_place(config: Config, keys: list[StoredKey]) -> dict[KeyId, str]:
    """Those that the configuration has no place for, and why."""
    return dict(reasons_to_ignore(config, {KeyId(key.id): as_configured(key) for key in keys}))


def described(key: StoredKey, ignored: str | None, now_ms: int) -> dict[str, Any]:
    """A key as JSON; `ignored` is why the configuration has no place for it."""
    state = "in_force" if ignored is None else "ignored"
    if key.has_ended(now_ms):
        state = "expired" if key.revoked_ms is None else "revoked"
    return {
        "id": key.id,
        "tenant": key.tenant,
        "application": key.application,
        "trust_domain": key.trust_domain,
        "lane": key.lane,
        "models": key.models,
        "limits": {
            "open_requests_max": key.open_requests_max,
            "output_tokens_max": key.output_tokens_max,
            "spend_max": None if key.spend_max_nano is None else decimal_text(key.spend_max_nano),
            "tokens_max": key.tokens_max,
        },
        "note": key.note,
        "created": _instant(key.created_ms),
        "expires": _instant(key.expires_ms),
        "revoked": _instant(key.revoked_ms),
        "state": state,
        "reason": ignored if state == "ignored" else None,
    }


def _instant(ms: int | None) -> str | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat("T", "seconds")


def _cells(key: Mapping[str, Any]) -> tuple[str, ...]:
    limits = [f"{name}={value}" for name, value in key["limits"].items() if value is not None]
    texts = {
        "models": " ".join(key["models"]),
        "limits": " ".join(limits) or "-",
        "created": key["created"][:10],
        "state": _state(key),
    }
    return tuple(texts.get(name) or key[name] for name in _COLUMNS)


def _state(key: Mapping[str, Any]) -> str:
    match key["state"]:
        case "ignored":
            return f"ignored: {key['reason']}"
        case "in_force":
            return "in force" if key["expires"] is None else f"until {key['expires'][:16]}"
        case "expired":
            return f"expired {key['expires'][:16]}"
    return f"revoked {key['revoked'][:16]}"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    rows = [_COLUMNS, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
