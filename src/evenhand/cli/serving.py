"""All parts of a gateway, opened in their order and closed in the reverse."""

from pathlib import Path

from evenhand.cli.composition import (
    key_ring,
    scheduler_settings,
)
from evenhand.cli.config import ConfigurationError
from evenhand.cli.engine_accounts import EngineAccounts
from evenhand.cli.engine_crew import EngineCrew
from evenhand.cli.event_log import AskedLog, NoLogError, begin, scheduler_of
from evenhand.cli.gateway_parts import Ground, compose, observed
from evenhand.cli.live.beginning import Beginning
from evenhand.cli.live.live_configuration import LiveConfiguration
from evenhand.cli.state_desk import StateDesk
from evenhand.cli.traces import begin_traces
from evenhand.cli.traffic_log import begin_traffic_log
from evenhand.engines.embedded import EmbeddedEngineError
from evenhand.engines.kv_events import KvEventsError
from evenhand.engines.tokenizer import TokenizerError
from evenhand.gateway.server import GatewayServer
from evenhand.gateway.tls import PairError
from evenhand.stores import StateProblemError
from evenhand.stores.event_log import EventLog
from evenhand.telemetry import RequestLog, TrafficLog
from evenhand.telemetry.traces import Traces

CANNOT_START = (
    *(EmbeddedEngineError, PairError, StateProblemError, NoLogError),
    *(TokenizerError, KvEventsError, ConfigurationError),
)
"""Each says what to do."""


class Serving:
    """`open` once, then `close` once, however far `open` has come."""

    def __init__(
        self, begun: Beginning, file: Path, log: RequestLog, asked_log: AskedLog | None
    ) -> None:
        self._begun = begun
        self._file = file
        self._log = log
        self._asked_log = asked_log
        config = begun.overlay.config
        self._desk = None if config.state is None else StateDesk(config, file, log)
        self._crew: EngineCrew | None = None
        self._accounts: EngineAccounts | None = None
        self._event_log: EventLog | None = None
        self._traffic: TrafficLog | None = None
        self._traces: Traces | None = None

    async def open(self) -> tuple[GatewayServer, LiveConfiguration]:
        """Everything but the listeners. Raises one of CANNOT_START, or OSError."""
        begun, desk, log = self._begun, self._desk, self._log
        self._event_log = begin(self._asked_log, log)
        self._traffic = traffic = begin_traffic_log(begun.overlay.config, self._file)
        if desk is not None:
            desk.open(lambda rows: begun.found(rows, log))
        config, secrets = begun.overlay.config, begun.outside.secrets
        self._traces = begin_traces(config, secrets, log)
        database = None if desk is None else desk.database
        live = begun.live(database, log)
        self._crew = crew = EngineCrew(config, secrets)
        keys = key_ring(config, secrets, None if desk is None else desk.pepper)
        if desk is not None:
            await desk.open_keys(keys)
        await crew.start()
        scheduler = scheduler_of(scheduler_settings(config), self._event_log)
        observers = observed(config, crew, log, traffic, self._traces, desk=desk)
        self._accounts = accounts = EngineAccounts(config, desk, log)
        accounts.open(crew.links, scheduler, observers.metrics)
        ground = Ground(
            begun=begun,
            live=live,
            keys=keys,
            crew=crew,
            scheduler=scheduler,
            observers=observers,
            accounts=accounts,
            desk=desk,
        )
        server = compose(ground)
        await crew.looked_once()
        return server, live

    async def close(self) -> bool:
        """False: some of the ledger could not be written."""
        if self._accounts is not None:
            await self._accounts.close()
        is_written = self._desk is None or await self._desk.close()
        self._begun.close()
        if self._crew is not None:
            await self._crew.stop()
        for told_to in (self._event_log, self._traffic, self._traces, self._log):
            if told_to is not None:
                told_to.close()
        return is_written
