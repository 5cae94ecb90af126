"""The APIs that clients speak: what differs between them, one object for each.

Lives here: which path, who reads its bodies and counts its answers, and how errors look there.
"""

from evenhand.gateway.apis.api import Api
from evenhand.gateway.apis.catalog import APIS, COUNTING, errors_at

__all__ = ["APIS", "COUNTING", "Api", "errors_at"]
