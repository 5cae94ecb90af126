"""The shadow: what a fair order would have made of the traffic that is really served in arrival order.

What it assumes, what it counts and what it cannot tell: shadow.md beside this file.
"""

from evenhand.scheduling.shadow.book import RECENT_MS, Book
from evenhand.scheduling.shadow.observation import OTHERS, Comparison, Observation
from evenhand.scheduling.shadow.shadow import REMEMBERED_MAX, Shadow
from evenhand.scheduling.shadow.tally import Tally
from evenhand.scheduling.shadow.waits import Waits

__all__ = [
    "OTHERS",
    "RECENT_MS",
    "REMEMBERED_MAX",
    "Book",
    "Comparison",
    "Observation",
    "Shadow",
    "Tally",
    "Waits",
]
