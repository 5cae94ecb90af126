"""The clients of one phase: they ask as the traffic says, until the phase is over."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from evenhand.cli.demo.exchange import body_of, exchange
from evenhand.cli.demo.options import DemoError
from evenhand.cli.demo.record import End, Record
from evenhand.cli.demo.tally import Tally
from evenhand.engines.http import EngineClient
from evenhand.workloads import Call, Chains, Flood, Neighbours, OpenLoop

RETRY_PAUSE_S = 0.25
"""After a failure or a refusal a client waits so long before it goes on, so that errors make no
flood."""
RECORDS_MAX = 200_000


class Load:
    """Drives the tenants named in `clients` once. `records` and `tallies` fill while it runs."""

    def __init__(
        self,
        traffic: Neighbours,
        clients: Mapping[str, EngineClient],
        *,
        model: str,
        seed: int,
        seconds: float,
    ) -> None:
        """Each client carries its tenant's key."""
        self.records: list[Record] = []
        self.tallies = {tenant: Tally() for tenant in clients}
        self.seconds = seconds
        self._traffic = traffic
        self._clients = clients
        self._model = model
        self._seed = seed
        self._loop = asyncio.get_running_loop()
        self._started_at = 0.0

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return self._loop.time() - self._started_at

    async def run(self) -> None:
        """Ask for `seconds`, then close what is under way: its records stay cut off.

        Raises DemoError if there are more requests than can be measured.
        """
        self._started_at = self._loop.time()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._started_at + self.seconds):
                    await self._run_all()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures

    async def _run_all(self) -> None:
        traffic = self._traffic
        async with asyncio.TaskGroup() as group:
            if traffic.chat.tenant in self._clients:
                group.create_task(self._open_loop(traffic.chat, group))
            if traffic.batch.tenant in self._clients:
                self._flood(traffic.batch, group)
            if traffic.agent.tenant in self._clients:
                for agent in range(traffic.agent.agents):
                    group.create_task(self._chains(traffic.agent, agent))
            group.create_task(asyncio.Event().wait())  # until the time is up

    async def _open_loop(self, source: OpenLoop, group: asyncio.TaskGroup) -> None:
        for arrival in source.arrivals(seed=self._seed, seconds=self.seconds):
            await asyncio.sleep(arrival.at_s - self.now_s)
            group.create_task(self._ask(arrival.call, arrival.at_s))

    def _flood(self, source: Flood, group: asyncio.TaskGroup) -> None:
        calls = source.calls(seed=self._seed)

        async def keep_asking() -> None:
            for call in calls:
                await self._ask_and_rest(call)

        for _ in range(source.outstanding):
            group.create_task(keep_asking())

    async def _chains(self, source: Chains, agent: int) -> None:
        for step in source.steps(seed=self._seed, agent=agent):
            await asyncio.sleep(step.think_s)
            await self._ask_and_rest(step.call)

    async def _ask_and_rest(self, call: Call) -> None:
        record = await self._ask(call, self.now_s)
        if record.end is not End.DONE:
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _ask(self, call: Call, sent_at: float) -> Record:
        record = Record(
            tenant=call.tenant,
            prompt_characters=call.prompt_characters,
            output_tokens_max=call.output_tokens_max,
            sent_at=sent_at,
        )
        if len(self.records) >= RECORDS_MAX:
            raise DemoError(f"more than {RECORDS_MAX} requests in one phase; use less --seconds")
        self.records.append(record)
        tally = self.tallies[call.tenant]
        tally.begin(record)
        body = body_of(call, model=self._model)
        await exchange(self._clients[call.tenant], body, record, clock=lambda: self.now_s)
        tally.end(record)
        return record
