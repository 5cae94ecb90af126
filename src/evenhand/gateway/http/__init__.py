"""The HTTP edge: bytes and sockets on one side, whole and unambiguous requests on the other.

Lives here: the listener, its connections, the strict reading of requests, the framing of answers.
May import: wire, model; uvloop's transports and httptools; of the gateway, its `tls` alone.
Promises: bytes are bounded before any parser sees them; what could be read in two ways is refused.
"""

from evenhand.gateway.http.contract import Application, Handler, Headers, RequestHead, Response
from evenhand.gateway.http.edge import Edge
from evenhand.gateway.http.settings import EdgeSettings

__all__ = [
    "Application",
    "Edge",
    "EdgeSettings",
    "Handler",
    "Headers",
    "RequestHead",
    "Response",
]
