"""Certificates for tests, made by the `openssl` command, which the starter's next steps need too.

Where it is missing these tests fail and say so; they are not skipped.
"""

import ssl
import subprocess
from pathlib import Path

from evenhand.gateway.tls import TlsFiles


def make_pair(folder: Path, name: str = "pair", *, days: int = 90) -> TlsFiles:
    """A self-signed pair for localhost and 127.0.0.1; `days` 0 gives one that is expired."""
    folder.mkdir(exist_ok=True)
    key, request = folder / f"{name}.key", folder / f"{name}.csr"
    certificate, extensions = folder / f"{name}.pem", folder / f"{name}.ext"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request)),
    )
    openssl(
        *("x509", "-req", "-in", str(request), "-signkey", str(key), "-days", str(days)),
        *("-extfile", str(extensions), "-out", str(certificate)),
    )
    key.chmod(0o600)
    return TlsFiles(certificate, key)


def replace(files: TlsFiles, by: TlsFiles) -> None:
    """Put another pair into its place, as a certificate client does."""
    for old, new in ((files.certificate, by.certificate), (files.key, by.key)):
        new.rename(old)


def trusting(*pairs: TlsFiles) -> ssl.SSLContext:
    """A client that trusts these and nothing else."""
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    for pair in pairs:
        context.load_verify_locations(pair.certificate)
    return context


def serial_of(pair: TlsFiles) -> str:
    """Tells pairs apart, as `getpeercert` writes it."""
    said = openssl("x509", "-in", str(pair.certificate), "-noout", "-serial")
    return said.strip().removeprefix("serial=")


def openssl(*arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
