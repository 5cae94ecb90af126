"""The OpenAPI document as published in `docs/`: asked of a gateway that is started for it, so that what
is published is what is served."""

import json
import subprocess
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

_CREDENTIAL: Final = "a-credential-of-no-gateway-at-all"
_TIMEOUT_S: Final = 30
_CONFIGURATION: Final = {
    "listen": "127.0.0.1:0",
    "admin": {"listen": "127.0.0.1:0", "credential": "env:EVENHAND_ADMIN_KEY"},
    "state": {"folder": "state"},
    # Nothing answers there, and nothing is asked of it.
    "engines": [
        {"name": "far", "kind": "openai", "url": "http://127.0.0.1:9", "models": ["m"], "window": 1}
    ],
    "tenants": [{"name": "acme"}],
}


def openapi_text() -> str:
    """The document, indented."""
    with tempfile.TemporaryDirectory(prefix="evenhand-docs-") as folder:
        file = Path(folder) / "evenhand.yaml"
        file.write_text(json.dumps(_CONFIGURATION), encoding="utf-8")
        words = Path(folder) / "stderr"
        with (
            words.open("wb") as stderr,
            subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "evenhand", "serve", str(file), "--announce"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={"EVENHAND_ADMIN_KEY": _CREDENTIAL},
            ) as gateway,
        ):
            try:
                assert gateway.stdout is not None
                line = gateway.stdout.readline()
                assert line, words.read_text(encoding="utf-8")
                host, port = json.loads(line)["admin"]
                connection = HTTPConnection(host, port, timeout=_TIMEOUT_S)
                connection.request("GET", "/openapi.json")
                document = json.loads(connection.getresponse().read())
                connection.close()
            finally:
                gateway.terminate()
    document["info"]["version"] = "1"  # of the API; the gateway's own is in what it serves
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
