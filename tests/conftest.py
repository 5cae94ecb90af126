"""One profile for everybody: the same examples on every machine, so that red means a change.

`EVENHAND_EXPLORE=1 make test` draws new ones; what they find becomes a test of its own.
"""

import os

import pytest
from hypothesis import settings

from evenhand.gateway.tls import TlsFiles
from support import edge
from support.certificates import make_pair

settings.register_profile("fixed", derandomize=True, database=None)
settings.register_profile("explore", print_blob=True)
settings.load_profile("explore" if os.environ.get("EVENHAND_EXPLORE") else "fixed")


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate and its key. A test that writes to the files makes its own."""
    return make_pair(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["plain", "tls"])
def scheme(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, pair: TlsFiles) -> str:
    """Runs a test of `support.edge` twice, the second time through TLS."""
    if request.param == "tls":
        monkeypatch.setattr(edge, "PAIR", pair)
    return str(request.param)
