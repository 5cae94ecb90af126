"""`evenhand tenants`: the share tree of the running gateway, looked at and changed."""

from typing import Annotated

import typer

from evenhand.cli.control.asking import (
    FILE,
    AsJson,
    DryRun,
    File,
    asked,
    in_path,
    printed,
    table,
    told_change,
)

app = typer.Typer(
    help="Look at the share tree of the running gateway, and change it.", no_args_is_help=True
)

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="Its path, such as acme/search.")]
Weight = Annotated[int, typer.Argument(min=1, max=10_000, help="Its share relative to siblings.")]


@app.command("list")
def list_tenants(
    beneath: Annotated[str, typer.Argument(help="Only this tenant and those beneath it.")] = "",
    *,
    as_json: AsJson = False,
    file: File = FILE,
) -> None:
    """Show tenants with their weights, shares and queues."""
    asks = f"?limit=10000&beneath={in_path(beneath)}" if beneath else "?limit=10000"
    page = asked(file, f"/api/v1/tenants{asks}")
    if as_json:
        printed(page)
        return
    table(
        ("tenant", "weight", "promised", "received", "waiting", "running", "note"),
        [
            (
                row["path"],
                str(row["weight"]),
                f"{100 * row['share_promised']:.1f} %",
                f"{100 * row['share_received']:.1f} %",
                str(row["queued_requests"]),
                str(row["running_requests"]),
                "leaving" if row["leaving"] else "-",
            )
            for row in page["tenants"]
        ],
    )


@app.command("set-weight")
def set_weight(
    tenant: Tenant,
    weight: Weight,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    file: File = FILE,
) -> None:
    """Give a tenant another weight, from this moment on."""
    path = f"/api/v1/tenants/{in_path(tenant)}{_how(dry_run=dry_run)}"
    told_change(asked(file, path, method="PATCH", body={"weight": weight}), as_json=as_json)


@app.command()
def add(
    tenant: Tenant,
    weight: Weight = 1,
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    file: File = FILE,
) -> None:
    """Add a tenant; `evenhand keys create` makes keys for it."""
    body = {"path": tenant, "weight": weight}
    path = f"/api/v1/tenants{_how(dry_run=dry_run)}"
    told_change(asked(file, path, method="POST", body=body), as_json=as_json)


@app.command()
def move(
    tenant: Tenant,
    to: Annotated[str, typer.Argument(metavar="PARENT", help="Its new parent; / is the top.")],
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    file: File = FILE,
) -> None:
    """Put a tenant with all beneath it under another parent; keys and open requests go along."""
    path = f"/api/v1/tenants/{in_path(tenant)}/move{_how(dry_run=dry_run)}"
    body = {"to": to.strip("/")}
    told_change(asked(file, path, method="POST", body=body), as_json=as_json)


@app.command()
def remove(
    tenant: Tenant, *, dry_run: DryRun = False, as_json: AsJson = False, file: File = FILE
) -> None:
    """Take a tenant out: its keys end now, its open requests run to their end."""
    path = f"/api/v1/tenants/{in_path(tenant)}{_how(dry_run=dry_run)}"
    told_change(asked(file, path, method="DELETE"), as_json=as_json)


def _how(*, dry_run: bool) -> str:
    return "?dry_run=true" if dry_run else ""
