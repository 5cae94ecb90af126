"""`evenhand keys create`: a new key, shown once."""

from typing import Annotated, Any

import typer

from evenhand.cli.keys.asked_stored import asked_stored
from evenhand.cli.keys.confirmation import confirm, tell
from evenhand.cli.keys.options import FILE, WAIT_S, File, Wait, milliseconds, span
from evenhand.cli.keys.place import opened
from evenhand.cli.state_access import problems_told
from evenhand.stores.key_text import new_key, new_key_id


def create(  # noqa: PLR0917 - options, all by name
    tenant: Annotated[str, typer.Argument(help="Path of the tenant, such as acme/search.")],
    application: Annotated[str, typer.Option(help="The application that uses it.")] = "default",
    lane: Annotated[str, typer.Option(help="The lane its requests take.")] = "default",
    trust_domain: Annotated[
        str | None, typer.Option(help="Left out: the first name of TENANT.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model it may use; repeat it. Left out: every model.")
    ] = None,
    spend_max: Annotated[float | None, typer.Option(help="Money it may spend in all.")] = None,
    tokens_max: Annotated[int | None, typer.Option(help="Tokens it may use in all.")] = None,
    open_requests_max: Annotated[int | None, typer.Option(help="Its open requests.")] = None,
    output_tokens_max: Annotated[int | None, typer.Option(help="Its largest max_tokens.")] = None,
    expires: Annotated[
        Any, typer.Option(parser=span, metavar="SPAN", help="It ends after so long, such as 90d.")
    ] = None,
    note: Annotated[str, typer.Option(help="For `list`; a person or a ticket.")] = "",
    file: File = FILE,
    wait_s: Wait = WAIT_S,
) -> None:
    """Make a key and print it on standard output, once; all other words go to standard error."""
    limits = {
        "open_requests_max": open_requests_max,
        "output_tokens_max": output_tokens_max,
        "spend_max": spend_max,
        "tokens_max": tokens_max,
    }
    values = {"tenant": tenant, "application": application, "lane": lane, "limits": limits}
    values |= {"trust_domain": trust_domain} if trust_domain is not None else {}
    values |= {"models": model} if model else {}
    key_id, secret = new_key_id(), new_key()
    with problems_told(file), opened(file) as place:
        key = asked_stored(place.config, key_id, values, note)
        if expires is not None:
            key = key._replace(expires_ms=key.created_ms + milliseconds(expires))
        place.table.add(key, place.pepper.digest(secret))
        try:
            confirmation = confirm(place.folder, key_id, wait_s)
        finally:
            # It is in the database, whatever else becomes of this command.
            typer.echo(secret)
    tell(key_id, f"for {key.tenant} is made, and its key is not shown again", confirmation)
