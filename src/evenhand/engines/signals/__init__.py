"""Lives here: readers of what engines say of themselves, and the watch that asks again and again.
May import: evenhand.model, evenhand.engines.http; orjson from outside.
Promises: what an engine does not say is None, never 0; a name that disappears is reported; whatever an
engine answers, nothing raises and nothing grows.
"""

from evenhand.engines.signals.ask import NoPageError, Page, ask
from evenhand.engines.signals.contract import NotOfferedError, SignalReader
from evenhand.engines.signals.metrics_page import foreign_kind
from evenhand.engines.signals.readers import SPELLINGS, reader_for
from evenhand.engines.signals.reading import Reading
from evenhand.engines.signals.watch import SignalListener, SignalWatch, WatchSettings

__all__ = [
    "SPELLINGS",
    "NoPageError",
    "NotOfferedError",
    "Page",
    "Reading",
    "SignalListener",
    "SignalReader",
    "SignalWatch",
    "WatchSettings",
    "ask",
    "foreign_kind",
    "reader_for",
]
