"""`evenhand keys revoke`: from here on the key is nobody's."""

import time

from evenhand.cli.keys.confirmation import confirm, tell
from evenhand.cli.keys.named import key_id_of
from evenhand.cli.keys.options import FILE, WAIT_S, File, KeyArgument, Wait
from evenhand.cli.keys.place import opened
from evenhand.cli.state_access import problems_told


def revoke(key: KeyArgument, file: File = FILE, wait_s: Wait = WAIT_S) -> None:
    """End a key at once and for good. Its open requests run to their end."""
    with problems_told(file), opened(file) as place:
        key_id = key_id_of(key, place)
        before = place.table.revoke(key_id, time.time_ns() // 1_000_000)
        confirmation = confirm(place.folder, key_id, wait_s)
    tell(key_id, "is revoked" if before.revoked_ms is None else "was revoked before", confirmation)
