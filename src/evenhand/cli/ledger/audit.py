"""`evenhand ledger audit`: an independent look at balances, duplicates and open holds."""

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from evenhand.cli.ledger.findings import findings
from evenhand.cli.state_access import folder_of, problems_told
from evenhand.ledger.money import decimal_text
from evenhand.stores import StateFolder
from evenhand.stores.audit import Audit, audit
from evenhand.stores.schema import open_to_read

_EXIT_FAULTS = 1
_EXIT_CANNOT_LOOK = 2


def audit_command(
    *,
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="The gateway's configuration.")
    ] = Path("evenhand.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")] = False,
) -> None:
    """Check the books, using nothing of the ledger's own code.

    Works beside a running gateway, on the state of one moment. Open holds
    are faults only while no gateway runs. Exit code 0: no faults; 1: faults;
    2: could not look.
    """
    with problems_told(config, _EXIT_CANNOT_LOOK):
        folder = folder_of(config)
        runs_before = folder.is_in_use()
        runs = [runs_before]

        def may_have_open() -> bool:
            # Asked again, because a gateway may have started or ended in between.
            runs.append(folder.is_in_use())
            return any(runs)

        with closing(open_to_read(folder.database)) as connection:
            found = audit(connection, may_have_open=may_have_open)
    now_ms = time.time_ns() // 1_000_000
    if as_json:
        typer.echo(json.dumps(_document(found, folder, now_ms, runs=any(runs)), indent=2))
    else:
        for line in findings(found, folder.database, now_ms, runs=any(runs)):
            typer.echo(line)
    raise typer.Exit(_EXIT_FAULTS if found.faults else 0)


def _document(found: Audit, folder: StateFolder, now_ms: int, *, runs: bool) -> dict[str, Any]:
    return {
        "database": str(folder.database),
        "seq": found.seq,
        "transfers": found.transfers,
        "gateway_runs": runs,
        "faults": found.faults,
        "checks": [
            {
                "title": check.title,
                "warns_only": check.warns_only,
                "looked_at": looked.at,
                "found": looked.found,
                "told": looked.told,
            }
            for check, looked in found.results
        ],
        "open_holds": [
            {
                "hold": hold.number,
                "request": hold.request,
                "age_s": (now_ms - hold.since_ms) / 1000,
                "tenant": hold.tenant,
                "key": hold.key,
                "model": hold.model,
                "tokens": hold.tokens,
                "money": decimal_text(hold.nano),
                "currency": hold.currency or None,
                "is_marked": bool(hold.is_marked),
            }
            for hold in found.open_requests
        ],
    }
