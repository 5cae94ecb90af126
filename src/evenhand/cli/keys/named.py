"""Which key a command is about: named by its id, or by the key itself on standard input."""

import re
import sys

from evenhand.cli.keys.place import Place
from evenhand.stores import StateProblemError
from evenhand.stores.key_text import ID_PATTERN, is_key

_STDIN = "-"
_LINE_CHARACTERS_MAX = 1_024


def key_id_of(argument: str, place: Place) -> str:
    """The id. Raises StateProblemError, which repeats nothing that may be a secret."""
    if argument == _STDIN:
        return _read_key(place)
    if not re.fullmatch(ID_PATTERN, argument):
        message = (
            "that is not the id of a key, such as key_7hq2m4x8k3wd: `evenhand keys list` shows them. A "
            "key itself never belongs on a command line: write - and give it on standard input"
        )
        raise StateProblemError(message)
    return argument


def _read_key(place: Place) -> str:
    text = sys.stdin.readline(_LINE_CHARACTERS_MAX).strip()
    if not is_key(text):
        message = (
            "what standard input gave is no key of Evenhand, or a mistyped one: see to its end"
        )
        raise StateProblemError(message)
    key_id = place.table.id_of(place.pepper.digest(text))
    if key_id is None:
        raise StateProblemError(f"the key is none of those in {place.folder.database}")
    return key_id
