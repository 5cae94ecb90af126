"""The container's health check: exit code 0 if the admin listener says that the process works.

EVENHAND_LIVEZ is the URL to ask. With https the certificate is not verified: it names the host that
others know, and we ask whether the process works, not who it is.
"""

import os
import ssl
import sys
import urllib.request

TIMEOUT_S = 2

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
url = os.environ.get("EVENHAND_LIVEZ", "http://127.0.0.1:8081/livez")
try:
    # No proxy: the listener is in here.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    opener.open(url, timeout=TIMEOUT_S).close()
except OSError as error:
    sys.exit(f"{url} does not answer: {error}")
