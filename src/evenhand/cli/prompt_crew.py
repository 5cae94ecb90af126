"""How prompts are compared and followed, as configured: tokenizers, and the events of engines."""

import asyncio
from collections.abc import Iterable, Mapping

from evenhand.cli.config import Config, UrlEngine
from evenhand.engines.kv_events import KvEndpoints, KvEventsWatch
from evenhand.engines.tokenizer import PromptTokenizer, Tokenizing, load_tokenizer
from evenhand.gateway.cache_salt import CacheSalts
from evenhand.gateway.engine_caches import EngineCaches
from evenhand.gateway.engine_events import EngineEvents
from evenhand.gateway.engine_link import EngineLink
from evenhand.model import EngineName, ModelName
from evenhand.scheduling import Scheduler
from evenhand.scheduling.prefixes import Prefixes
from evenhand.telemetry import PrefixCollector, RequestLog


class PromptCrew:
    """`read` first, `follow` once the gateway stands, `stop` at the end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._tokenizers: Mapping[ModelName, PromptTokenizer] = {}
        self.tokenizing: Tokenizing | None = None
        """None: no model has a tokenizer."""
        self._watches: list[KvEventsWatch] = []
        self.events: dict[EngineName, EngineEvents] = {}
        """Of the engines whose events are followed."""

    def read(self) -> None:
        """The tokenizers. Raises TokenizerError, with what to do."""
        self._tokenizers = _tokenizers(self._config)
        if self._tokenizers:
            self.tokenizing = Tokenizing(self._tokenizers, asyncio.get_running_loop())

    def follow(
        self,
        links: Iterable[EngineLink],
        scheduler: Scheduler,
        caches: EngineCaches,
        *,
        salts: CacheSalts,
        log: RequestLog,
    ) -> None:
        """Subscribe to the events of every engine that is configured for them. Raises KvEventsError."""
        configured = {engine.name: engine for engine in self._config.engines}
        for link in links:
            engine = configured[link.name]
            if not isinstance(engine, UrlEngine) or engine.kv_events is None:
                continue
            model = ModelName(engine.models[0])
            events = EngineEvents(link, model, scheduler, caches, salts=salts, log=log)
            tokenizer = self._tokenizers.get(model)
            watch = KvEventsWatch(
                KvEndpoints(events=engine.kv_events.endpoint, replay=engine.kv_events.replay),
                events,
                vocabulary=None if tokenizer is None else tokenizer.vocabulary,
            )
            watch.start()
            self._watches.append(watch)
            self.events[link.name] = events

    def collector(self, prefixes: Prefixes) -> PrefixCollector:
        """To be registered once."""
        tokenizing = self.tokenizing
        return PrefixCollector(
            prefixes,
            heard=lambda: {name: events.counts for name, events in self.events.items()},
            tokenised=lambda: {} if tokenizing is None else tokenizing.counts,
        )

    async def stop(self) -> None:
        """Safe to call whether or not anything was begun."""
        for watch in self._watches:
            await watch.stop()
        if self.tokenizing is not None:
            self.tokenizing.close()


def _tokenizers(config: Config) -> Mapping[ModelName, PromptTokenizer]:
    """Each read once, however many engines name it."""
    read: dict[object, PromptTokenizer] = {}
    by_model: dict[ModelName, PromptTokenizer] = {}
    for engine in config.engines:
        if not isinstance(engine, UrlEngine) or engine.tokenizer is None:
            continue
        which = engine.tokenizer, engine.chat_template
        if which not in read:
            read[which] = load_tokenizer(*which)
        by_model.update(dict.fromkeys(map(ModelName, engine.models), read[which]))
    return by_model
