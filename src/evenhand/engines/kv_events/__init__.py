"""What an engine says of single blocks of its prefix cache, over ZMQ (vLLM's KV events).

Lives here: reading batches, their order, which block is whose, and the subscriber that asks again for
what it has missed. pyzmq and msgspec are an extra, imported when an engine is configured for events.
Promises: nothing that an engine sends raises into the loop; what cannot be read is said and left out,
and beliefs then rest on what usage reports and on the size of the cache (`kv_events.md`).
"""

from evenhand.engines.kv_events.contract import EventListener, KvEventsError
from evenhand.engines.kv_events.follower import BlockFollower
from evenhand.engines.kv_events.watch import KvEndpoints, KvEventsWatch

__all__ = ["BlockFollower", "EventListener", "KvEndpoints", "KvEventsError", "KvEventsWatch"]
