"""What a gateway tells the scheduler inside an engine of a request, and the seal that shows that it is
the gateway that does.

The hints stand in the body's `vllm_xargs`, which clients cannot set through the gateway. Whoever reaches
the engine past the gateway could write them too, but not seal them.
"""

import hmac
import json
from collections.abc import Mapping

PREFIX = "evenhand_"
TENANT = "evenhand_tenant"
WEIGHTS = "evenhand_weights"
LANE = "evenhand_lane"
APPLICATION = "evenhand_application"
TRUST_DOMAIN = "evenhand_trust_domain"
SERVED = "evenhand_served"
SEAL = "evenhand_seal"

Hint = str | int | list[int]


def hints_member(hints: Mapping[str, Hint], secret: bytes | None) -> bytes:
    """The member of a body that tells them, sealed where there is a secret, to be put before its end."""
    told = dict(hints)
    if secret is not None:
        told[SEAL] = seal(hints, secret)
    return b',"vllm_xargs":' + json.dumps(told, separators=(",", ":")).encode()


def seal(told: Mapping[str, object], secret: bytes) -> str:
    """Of all hints among what is told but the seal itself. ValueError, TypeError: these are no hints."""
    hints = {name: told[name] for name in told if name.startswith(PREFIX) and name != SEAL}
    text = json.dumps(hints, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hmac.digest(secret, text.encode(), "sha256").hex()


def is_sealed(told: Mapping[str, object], secret: bytes) -> bool:
    """Whether whoever told this knows the secret."""
    given = told.get(SEAL)
    if not isinstance(given, str) or not given.isascii():
        return False
    try:
        return hmac.compare_digest(given, seal(told, secret))
    except (ValueError, TypeError, RecursionError):
        return False
