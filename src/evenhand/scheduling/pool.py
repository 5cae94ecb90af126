"""What a waiting request can run on: the engines that serve its model, less one that has failed it.

Models that are served by the same engines share a pool, because their requests compete.
"""

from evenhand.model import EngineName

Pool = tuple[EngineName, ...]
"""Names in order; empty where nothing serves the model."""
