"""The text of an API key: `evh_`, 256 random bits in base62, and a checksum.

By the prefix scanners find a key that was published; by the checksum they, and we, tell a key from what
only looks like one.
"""

import secrets
import zlib

PREFIX = "evh_"

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES = 32
_SECRET_DIGITS = 43
_CHECKSUM_DIGITS = 6
_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 12

ID_PATTERN = f"key_[{_ID_LETTERS}]{{{_ID_LENGTH}}}"


def new_key() -> str:
    """A key nobody has."""
    return key_text(secrets.token_bytes(_SECRET_BYTES))


def new_key_id() -> str:
    """A name for a key; it is no secret."""
    return "key_" + "".join(secrets.choice(_ID_LETTERS) for _ in range(_ID_LENGTH))


def key_text(secret: bytes) -> str:
    """The key that those 32 bytes make."""
    assert len(secret) == _SECRET_BYTES
    return _checked(PREFIX + _base62(int.from_bytes(secret, "big"), _SECRET_DIGITS))


def is_key(text: str) -> bool:
    """Whether a text has the form of a key of ours, checksum included: a mistyped one has not."""
    return (
        text.isascii()
        and len(text) == len(PREFIX) + _SECRET_DIGITS + _CHECKSUM_DIGITS
        and text.startswith(PREFIX)
        and secrets.compare_digest(_checked(text[:-_CHECKSUM_DIGITS]), text)
    )


def _checked(text: str) -> str:
    return text + _base62(zlib.crc32(text.encode()), _CHECKSUM_DIGITS)


def _base62(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    assert not number, "that many digits hold it"
    return text
