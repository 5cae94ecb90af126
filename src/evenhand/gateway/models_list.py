"""GET /v1/models: what the caller's key may use."""

import orjson

from evenhand.gateway.http.contract import Response
from evenhand.gateway.identity import Identity
from evenhand.gateway.served import Served
from evenhand.model import Outcome, RequestId


class ModelsList:
    """Answers once the (empty) body was read, so that the connection stays usable."""

    def __init__(self, response: Response, answer: bytes, request_id: RequestId) -> None:
        self._response = response
        self._answer = answer
        self._request_id = request_id

    def body(self, body: bytes) -> None:
        del body  # a GET needs none; what was sent is ignored
        headers = [("content-type", "application/json"), ("x-request-id", self._request_id)]
        self._response.send(200, headers, self._answer)

    def gone(self, why: Outcome | None = None) -> None:
        """Nothing was begun."""

    def client_slow(self) -> None:
        """The answer is written already."""

    def client_ready(self) -> None:
        """The answer is written already."""


def models_body(served: Served, identity: Identity) -> bytes:
    """Every name that the key may ask for, as the clients of OpenAI and of Anthropic read it; of an
    alias, `root` is the model that it stands for."""
    names = served.to(identity)
    listed = [
        {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "evenhand",
            "root": served.aliases.get(name, name),
            "type": "model",
            "display_name": name,
            "created_at": "1970-01-01T00:00:00Z",
        }
        for name in names
    ]
    ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
    return orjson.dumps({"object": "list", "data": listed, "has_more": False, **ends})
