"""The traffic log of a gateway, as configured."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from evenhand.cli.config import Config, Tenant
from evenhand.cli.event_log import NoLogError
from evenhand.model import TenantPath
from evenhand.telemetry import RollingFile, TrafficLog
from evenhand.telemetry.traffic_log import BEGINNING


def begin_traffic_log(config: Config, file: Path) -> TrafficLog | None:
    """None where `file`, the configuration, has none. Raises NoLogError."""
    section = config.traffic_log
    if section is None:
        return None
    path = file.absolute().parent / section.file
    try:
        rolling = RollingFile(path, bytes_max=section.mib_max << 20, beginning=BEGINNING)
    except OSError as error:
        raise NoLogError(
            f"traffic_log.file: {path} cannot be written: {error.strerror}. Name another file."
        ) from None
    return TrafficLog(
        rolling,
        weights=dict(_weights(config.tenants, (), ())),
        block_bytes=section.block_bytes,
        start_s=time.monotonic(),
    )


def _weights(
    tenants: Iterable[Tenant], path: TenantPath, above: tuple[int, ...]
) -> Iterator[tuple[TenantPath, tuple[int, ...]]]:
    """Of every node of the tree, with those above it."""
    for tenant in tenants:
        here, weights = (*path, tenant.name), (*above, tenant.weight)
        yield here, weights
        yield from _weights(tenant.children, here, weights)
