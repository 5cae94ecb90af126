"""One profile for everybody: the same examples on every machine, so that red means a change.

`EVENHAND_EXPLORE=1 make test` draws new ones; what they find becomes a test of its own.
"""

import os

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, database=None)
settings.register_profile("explore", print_blob=True)
settings.load_profile("explore" if os.environ.get("EVENHAND_EXPLORE") else "fixed")
