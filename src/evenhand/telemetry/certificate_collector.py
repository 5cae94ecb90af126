"""What a scrape sees of the certificates: when they expire, and how often nobody came to use them."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class CertificateFigures(Protocol):
    """One listener's certificate."""

    @property
    def listener(self) -> str:
        """The label."""

    @property
    def expires_s(self) -> int:
        """In Unix time."""

    @property
    def handshakes_failed(self) -> int:
        """So far."""


class CertificateCollector(Collector):
    """Register it once; a series per listener."""

    def __init__(self, certificates: Sequence[CertificateFigures]) -> None:
        self._certificates = certificates

    def collect(self) -> Iterator[Metric]:
        expiry = GaugeMetricFamily(
            "evenhand_tls_certificate_expiry_seconds",
            "When the certificate in force expires, in Unix time.",
            labels=["listener"],
        )
        failed = CounterMetricFamily(
            "evenhand_tls_handshakes_failed",
            "Connections that sent something and never came to speak TLS.",
            labels=["listener"],
        )
        for certificate in self._certificates:
            expiry.add_metric([certificate.listener], certificate.expires_s)
            failed.add_metric([certificate.listener], certificate.handshakes_failed)
        yield from (expiry, failed)
