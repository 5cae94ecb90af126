"""What looks at the gateway once a second, and the pages that tell of it."""

from evenhand.cli.config import Config
from evenhand.gateway.admin import Page, samples_pages
from evenhand.gateway.status import GatewayStatus
from evenhand.telemetry.sample_collector import SampleCollector
from evenhand.telemetry.samples import SampleClock, Sampler


class Sight:
    """Made once; its `clock` runs while the gateway serves."""

    def __init__(self, config: Config, status: GatewayStatus) -> None:
        self.sampler = Sampler(status, tenants_max=config.limits.metrics_tenants_max)
        self.clock = SampleClock(self.sampler.tick)
        status.metrics.registry.register(SampleCollector(lambda: self.sampler.latest))

    def pages(self) -> list[Page]:
        """All of them."""
        return samples_pages(self.sampler)
