"""How many requests an engine is given: one controller for each engine. See window.md."""

from evenhand.scheduling.window.control import WindowControl
from evenhand.scheduling.window.limits import WindowLimits
from evenhand.scheduling.window.reason import WindowReason

__all__ = ["WindowControl", "WindowLimits", "WindowReason"]
