"""A certificate chain and its private key: read from their files and found fit to serve, or refused."""

import os
import re
import shlex
import ssl
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from evenhand.gateway.tls.validity import not_after_s

_FILE_BYTES_MAX = 1 << 20
# Group read passes: it is how a certificate client's files are shared with a service, and how systemd
# shows the access list of a credential. Everything else for group and others does not.
_MODE_FORBIDDEN = 0o037
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL | re.ASCII
)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where a pair is: the chain, the server's own certificate first, and the key; both PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair that can serve. `expires_s` is the Unix time at which its certificate expires."""

    context: ssl.SSLContext
    expires_s: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one of the two files, and what to do."""

    part: Literal["certificate", "key"]
    message: str


class PairError(Exception):
    """The files cannot serve; `faults` has at least one, and never a part of the key."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.part} {fault.message}" for fault in faults))


def load_pair(files: TlsFiles, now_s: float) -> Pair:
    """Read both files. Raises PairError with all that is wrong with them at `now_s` (Unix time)."""
    faults, expires_s = [], 0
    try:
        expires_s = _expiry_s(files.certificate, now_s)
    except ValueError as error:
        faults.append(Fault("certificate", str(error)))
    try:
        _read(files.key, forbidden=_MODE_FORBIDDEN)
    except ValueError as error:
        faults.append(Fault("key", str(error)))
    if faults:
        raise PairError(faults)
    return Pair(_context(files), expires_s)


def _context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.certificate, files.key, password=_refuse_to_ask)
    except ssl.SSLError as error:
        if error.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
            message = (
                f"does not belong to {files.certificate}: name the two that were made together"
            )
            raise PairError([Fault("key", message)]) from None
        said = error.reason or "no PEM"
        message = f"or its certificate is refused by OpenSSL ({said}): write both anew, as PEM"
        raise PairError([Fault("key", message)]) from None
    except OSError as error:
        message = f"or its certificate cannot be read ({error.strerror}): check owner and mode"
        raise PairError([Fault("key", message)]) from None
    return context


def _refuse_to_ask() -> str:
    # Else OpenSSL would ask whoever sits at the terminal.
    message = "is encrypted, and nobody is there to type its password: `openssl pkey` decrypts it"
    raise PairError([Fault("key", message)])


def _expiry_s(path: Path, now_s: float) -> int:
    text = _read(path).decode("latin-1")
    chain = _CERTIFICATE.findall(text)
    try:
        expiries = [not_after_s(ssl.PEM_cert_to_DER_cert(block)) for block in chain]
    except ValueError:
        raise ValueError("holds something that is no certificate: write the chain anew") from None
    if not expiries:
        raise ValueError("holds no certificate: name the chain in PEM form, your own first")
    if expiries[0] <= now_s:
        when = datetime.fromtimestamp(expiries[0], UTC).isoformat(sep=" ", timespec="minutes")
        raise ValueError(f"has expired on {when[:16]} UTC: renew it")
    return expiries[0]


def _read(path: Path, *, forbidden: int = 0) -> bytes:
    try:
        # Non-blocking: opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - by descriptor: what is checked is what is read
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("is not a regular file: name a PEM file")
            if status.st_mode & forbidden:
                mode = stat.S_IMODE(status.st_mode)
                fix = f"chmod u=rw,g=,o= {shlex.quote(str(path))}"
                raise ValueError(f"is open to others (mode {mode:04o}): {fix}")
            data = file.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        raise ValueError("is not there: check the path") from None
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror}): check owner and mode") from None
    if len(data) > _FILE_BYTES_MAX:
        raise ValueError(f"is larger than {_FILE_BYTES_MAX} bytes: name a PEM file")
    return data
