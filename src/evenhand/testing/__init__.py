"""For those who write a policy: a suite that any policy must pass.

Lives here: seeded events that drive a real scheduler, and the promises that are checked after each.
May import: `evenhand.scheduling`, `evenhand.model`; no test framework, so that any can call it.
Promises: what fails names the promise, the seed and the step; the same seed fails alike everywhere.
"""

from evenhand.testing.broken_promise import BrokenPromiseError
from evenhand.testing.conformance import check_policy

__all__ = ["BrokenPromiseError", "check_policy"]
