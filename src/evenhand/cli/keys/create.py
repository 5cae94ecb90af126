"""`evenhand keys create`: a new key, shown once."""

import time
from typing import Annotated, Any

import typer

from evenhand.cli.config import Config, ConfigurationError, Problem
from evenhand.cli.config.asked_key import asked_key
from evenhand.cli.keys.confirmation import confirm, tell
from evenhand.cli.keys.options import FILE, WAIT_S, File, Wait, milliseconds, span
from evenhand.cli.keys.place import opened
from evenhand.cli.state_access import problems_told
from evenhand.stores import StoredKey
from evenhand.stores.key_text import new_key, new_key_id

_NOTE_CHARACTERS_MAX = 200


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
        key = _checked(place.config, key_id, values, note)
        if expires is not None:
            key = key._replace(expires_ms=key.created_ms + milliseconds(expires))
        place.table.add(key, place.pepper.digest(secret))
        try:
            confirmation = confirm(place.folder, key_id, wait_s)
        finally:
            # It is in the database, whatever else becomes of this command.
            typer.echo(secret)
    tell(key_id, f"for {key.tenant} is made, and its key is not shown again", confirmation)


def _checked(config: Config, key_id: str, values: dict[str, Any], note: str) -> StoredKey:
    """Raises ConfigurationError."""
    if len(note) > _NOTE_CHARACTERS_MAX or not (note.isprintable()):
        message = f"must be one line of at most {_NOTE_CHARACTERS_MAX} characters"
        raise ConfigurationError([Problem(None, "--note", message)])
    key = asked_key(config, key_id, values)
    return StoredKey(
        id=key_id,
        tenant="/".join(key.tenant),
        application=key.application,
        trust_domain=key.trust_domain,
        lane=key.lane,
        models=key.models,
        open_requests_max=key.limits.open_requests_max,
        output_tokens_max=key.limits.output_tokens_max,
        spend_max_nano=key.limits.spend_max,
        tokens_max=key.limits.tokens_max,
        note=note,
        created_ms=time.time_ns() // 1_000_000,
    )
