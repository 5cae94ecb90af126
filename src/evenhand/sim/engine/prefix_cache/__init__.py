"""The key-value cache of an engine: blocks, some remembered by what was computed in them."""

from evenhand.sim.engine.prefix_cache.cache import BlockCache, Hit
from evenhand.sim.engine.prefix_cache.node import Node

__all__ = ["BlockCache", "Hit", "Node"]
