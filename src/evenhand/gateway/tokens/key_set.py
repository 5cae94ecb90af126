"""The public keys of an issuer: which are in force, and which are on their way out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

KEYS_MAX: Final = 64
BYTES_MAX: Final = 256 << 10
GRACE_S: Final = 600.0
"""So long a key that the issuer no longer names is still taken: gateways and issuers learn of a change
at different moments."""
STALE_S_MAX: Final = 86_400.0
"""Without news from the issuer for so long its keys are no longer believed."""
_RSA_BITS_MIN: Final = 2_048
_KINDS: Final = frozenset({"RSA", "EC", "OKP"})


class KeySetError(Exception):
    """It cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`algorithm` None: the issuer does not say which one it is for."""

    material: Any
    algorithm: str | None
    thumbprint: bytes


def read_key_set(text: bytes) -> dict[str | None, PublicKey]:
    """The keys of a JWKS document by their ids. Symmetric keys, and keys that are for something else
    than signatures, are left out: whoever can read the document could sign with the first. Raises
    KeySetError."""
    import jwt  # noqa: PLC0415 - an optional extra

    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise KeySetError("is no JWKS document: it must be a JSON object with a list `keys`")
    if len(listed) > KEYS_MAX:
        raise KeySetError(f"has {len(listed)} keys, and {KEYS_MAX} are the most that are taken")
    keys: dict[str | None, PublicKey] = {}
    for item in listed:
        if not isinstance(item, dict) or item.get("kty") not in _KINDS or "d" in item:
            continue
        if item.get("use", "sig") != "sig":
            continue
        try:
            material = jwt.PyJWK.from_dict(item).key
        except jwt.PyJWTError:
            continue  # of a kind that is not known here; tokens that it signs are refused
        if getattr(material, "key_size", _RSA_BITS_MIN) < _RSA_BITS_MIN and item["kty"] == "RSA":
            raise KeySetError(f"has an RSA key of less than {_RSA_BITS_MIN} bits: use a longer one")
        key_id, algorithm = item.get("kid"), item.get("alg")
        keys[key_id if isinstance(key_id, str) else None] = PublicKey(
            material,
            algorithm if isinstance(algorithm, str) else None,
            orjson.dumps(item, option=orjson.OPT_SORT_KEYS),
        )
    if not keys:
        raise KeySetError("has no public key for signatures")
    return keys


class KeySet:
    """Seconds are of one clock that does not stand still; the caller's."""

    def __init__(self) -> None:
        self._keys: dict[str | None, PublicKey] = {}
        self._leaving: dict[str | None, tuple[PublicKey, float]] = {}
        self._renewed_s: float | None = None

    def renew(self, keys: Mapping[str | None, PublicKey], now_s: float) -> bool:
        """These are the issuer's keys as of now. True: they are other than before."""
        before = self._keys
        self._renewed_s = now_s
        self._leaving = {
            key_id: (key, ends_s)
            for key_id, (key, ends_s) in self._leaving.items()
            if ends_s > now_s
        }
        if {i: k.thumbprint for i, k in keys.items()} == {
            i: k.thumbprint for i, k in before.items()
        }:
            return False
        for key_id, key in before.items():
            if key_id not in keys:
                self._leaving[key_id] = (key, now_s + GRACE_S)
        self._keys = dict(keys)
        for key_id in keys:
            self._leaving.pop(key_id, None)
        return True

    def find(self, key_id: str | None, now_s: float) -> tuple[PublicKey, float] | None:
        """The key of that id, and until when it is believed. A token that names none is taken where
        there is but one key."""
        if self._renewed_s is None:
            return None
        ends_s = self._renewed_s + STALE_S_MAX
        if ends_s <= now_s:
            return None
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values())), ends_s
        if key_id in self._keys:
            return self._keys[key_id], ends_s
        key, leaves_s = self._leaving.get(key_id, (None, 0.0))
        return None if key is None or leaves_s <= now_s else (key, min(leaves_s, ends_s))
