"""The secret beside the database: without it, what the database holds of keys is of no use.

Keys are stored as BLAKE2b keyed with the pepper. The database knows a proof of the pepper, the same of
a constant, so that a pepper that was lost or exchanged is noticed instead of making every key unknown.
"""

import hashlib
import hmac
import os
import secrets
import sqlite3
from pathlib import Path

from evenhand.stores.problem import StateProblemError
from evenhand.stores.state_folder import StateFolder

PEPPER = "pepper"
_BYTES = 32
_PROOF_OF = b"evenhand: this is the pepper"


class Pepper:
    """Makes digests of keys."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        assert len(secret) == _BYTES
        self._secret = secret

    @classmethod
    def of_this_process(cls) -> "Pepper":
        """One that nobody keeps."""
        return cls(secrets.token_bytes(_BYTES))

    def digest(self, key: str) -> bytes:
        """32 bytes that tell nothing of the key to who has not the pepper."""
        return self._keyed(key.encode("utf-8", "surrogateescape"))

    def proof(self) -> bytes:
        """By it the database knows its pepper again."""
        return self._keyed(_PROOF_OF)

    def _keyed(self, text: bytes) -> bytes:
        # As good a keyed hash as HMAC, without a walk through OpenSSL at every request.
        return hashlib.blake2b(text, key=self._secret, digest_size=32).digest()

    def __repr__(self) -> str:
        return "Pepper(****)"


def pepper_of(folder: StateFolder, connection: sqlite3.Connection) -> Pepper:
    """The folder's pepper, made at first use; `connection` may write. Raises StateProblemError where it
    is missing or another than the database knows, sqlite3.Error where the disk fails."""
    file = folder.path / PEPPER
    # Asked first: a proof is only ever written once there is a file.
    is_known = connection.execute("SELECT 1 FROM pepper").fetchone() is not None
    try:
        if not is_known and not file.exists():
            _make(file)
        pepper = Pepper(_read(file))
    except FileNotFoundError:
        message = (
            f"{file} is missing, without which no key in {folder.database} can be checked: restore it "
            "from a backup, or see docs/keys.md, A lost pepper"
        )
        raise StateProblemError(message) from None
    except OSError as error:
        why = error.strerror or error
        raise StateProblemError(f"cannot use {file} ({why}): mend its owner and mode") from None
    connection.execute("INSERT OR IGNORE INTO pepper VALUES (1, ?)", (pepper.proof(),))
    (proof,) = connection.execute("SELECT proof FROM pepper").fetchone()
    if not hmac.compare_digest(proof, pepper.proof()):
        message = (
            f"{file} is not the pepper with which the keys in {folder.database} were made: restore the "
            "two together, or see docs/keys.md, A lost pepper"
        )
        raise StateProblemError(message)
    return pepper


def _make(file: Path) -> None:
    """Make it whole or not at all; whoever is first has made it."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.write(descriptor, secrets.token_bytes(_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            return
        _sync(file.parent)
    finally:
        draft.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        if os.fstat(stream.fileno()).st_mode & 0o077:
            raise StateProblemError(f"others can read {file}: chmod 600 it")
        secret = stream.read(_BYTES + 1)
    if len(secret) != _BYTES:
        message = (
            f"{file} is damaged, it holds other than {_BYTES} bytes: restore it from a backup, or see "
            "docs/keys.md, A lost pepper"
        )
        raise StateProblemError(message)
    return secret
