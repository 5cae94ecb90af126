"""A key that is asked for, as the state database will have it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from evenhand.cli.config import Config, ConfigurationError, Problem
from evenhand.cli.config.asked_key import asked_key, option_of
from evenhand.cli.config.problem import Place
from evenhand.stores import StoredKey

_NOTE_CHARACTERS_MAX = 200


def asked_stored(
    config: Config,
    key_id: str,
    values: Mapping[str, Any],
    note: str,
    called: Callable[[Place], str] = option_of,
) -> StoredKey:
    """The key that is asked for, made now. Raises ConfigurationError; places are told as `called`
    says."""
    if len(note) > _NOTE_CHARACTERS_MAX or not (note.isprintable()):
        message = f"must be one line of at most {_NOTE_CHARACTERS_MAX} characters"
        raise ConfigurationError([Problem(None, called(("note",)), message)])
    key = asked_key(config, key_id, values, called)
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
