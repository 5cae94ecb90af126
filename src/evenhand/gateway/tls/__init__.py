"""TLS on both listeners: pairs of certificate and key, renewed while connections go on.

Lives here: reading a pair, keeping it fresh, the records between a socket and its connection.
May import: telemetry; `ssl` of the standard library; nothing else of the gateway.
Promises: a broken pair never replaces a sound one; an open connection keeps what it began with.
"""

from evenhand.gateway.tls.certificate import Certificate
from evenhand.gateway.tls.layer import TlsLayer
from evenhand.gateway.tls.pair import Fault, Pair, PairError, TlsFiles, load_pair
from evenhand.gateway.tls.watch import CertificateWatch

__all__ = [
    "Certificate",
    "CertificateWatch",
    "Fault",
    "Pair",
    "PairError",
    "TlsFiles",
    "TlsLayer",
    "load_pair",
]
