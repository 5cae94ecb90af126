"""How long a certificate is valid, read from its DER: the standard library tells that only of others'
certificates, not of one's own."""

from datetime import UTC, datetime

_SEQUENCE = 0x30
_VERSION = 0xA0
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18


def not_after_s(der: bytes) -> int:
    """The moment from which an X.509 certificate is expired, in Unix time. Raises ValueError where `der`
    is no certificate."""
    try:
        _, start, _ = _element(der, 0, _SEQUENCE)  # Certificate
        _, at, _ = _element(der, start, _SEQUENCE)  # TBSCertificate
        tag, _, end = _element(der, at)
        if tag == _VERSION:
            _, _, end = _element(der, end)
        # `end` is that of the serial number; the signature's algorithm and the issuer follow.
        for _ in range(2):
            _, _, end = _element(der, end, _SEQUENCE)
        _, start, _ = _element(der, end, _SEQUENCE)  # Validity
        _, _, end = _element(der, start)  # notBefore
        tag, start, end = _element(der, end)  # notAfter
        return _time_s(tag, der[start:end].decode("ascii"))
    except (IndexError, ValueError) as error:
        raise ValueError("no X.509 certificate") from error


def _element(der: bytes, at: int, wanted: int | None = None) -> tuple[int, int, int]:
    """Tag of the element at `at`, where its content starts, and where it ends."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(der[start : start + size], "big"), start + size
    if start + length > len(der) or (wanted is not None and tag != wanted):
        raise ValueError("another element was expected")
    return tag, start, start + length


def _time_s(tag: int, text: str) -> int:
    if tag == _UTC_TIME:
        # RFC 5280, 4.1.2.5.1: two digits of a year stand for 1950 to 2049.
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())
