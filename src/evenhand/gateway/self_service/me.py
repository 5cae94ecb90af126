"""Who I am here, what I am promised, and what I have received."""

from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from evenhand.gateway.admin import Caller, Page, Role, Status
from evenhand.gateway.admin.answer import json_answer
from evenhand.gateway.identity import Identity, KeyRing
from evenhand.gateway.self_service.whose import WhoseQuery, whose
from evenhand.telemetry import Standings

_PPM = 1_000_000


class CallerForm(BaseModel):
    """Whoever asks."""

    name: str
    role: str


class ShareForm(BaseModel):
    """Parts of the whole, in parts per million, and service units."""

    weight: int
    promised_ppm: int
    """What the weights give the tenant while everybody has work waiting; more while somebody has not."""
    received_ppm: int
    """Of all that was served since the gateway started."""
    service_units: int


class KeyForm(BaseModel):
    """What the key that asks may do. None: no limit of its own."""

    key: str
    application: str
    lane: str
    models: list[str] | None
    queue_wait_s_max: float
    open_requests_max: int | None
    open_requests: int
    output_tokens_max: int | None


class MeForm(BaseModel):
    """The tenant at this moment."""

    caller: CallerForm
    tenant: str | None
    """None: the credential is no tenant's, and none was named."""
    share: ShareForm | None
    queued_requests: int
    running_requests: int
    key: KeyForm | None


@dataclass(frozen=True, slots=True)
class MePage:
    status: Status
    keys: KeyRing
    standings: Standings

    def page(self) -> Page:
        return Page(
            path="/api/v1/me",
            role=Role.TENANT,
            answer=self._answer,
            summary="Who calls; and a tenant's share, limits and queue.",
            query=WhoseQuery,
            result=MeForm,
        )

    async def _answer(self, request: Request, caller: Caller) -> Response:
        who = CallerForm(name=caller.name, role=caller.role.name.lower())
        if caller.tenant is None and "tenant" not in request.query_params:
            nobody = MeForm(
                caller=who, tenant=None, share=None, queued_requests=0, running_requests=0, key=None
            )
            return json_answer(nobody.model_dump())
        tree = self.status.scheduler.tree
        path = whose(request, caller, tree)
        if isinstance(path, Response):
            return path
        node = tree.find(path)
        assert node is not None, "whose() has found it"
        standing = self.standings.of(node)
        me = MeForm(
            caller=who,
            tenant="/".join(path),
            share=ShareForm(
                weight=standing.weight,
                promised_ppm=round(standing.share_promised * _PPM),
                received_ppm=round(standing.share_received * _PPM),
                service_units=standing.service_units,
            ),
            queued_requests=standing.queued_requests,
            running_requests=standing.running_requests,
            key=self._key(caller),
        )
        return json_answer(me.model_dump())

    def _key(self, caller: Caller) -> KeyForm | None:
        if caller.tenant is None or caller.key is None:
            return None
        for key in self.keys.beneath(caller.tenant):
            if key.holder.identity.key_id == caller.key:
                return key_form(key.holder.identity, key.holder.open_requests)
        return None


def key_form(identity: Identity, open_requests: int) -> KeyForm:
    """What a key may do."""
    return KeyForm(
        key=identity.key_id,
        application=identity.application,
        lane=identity.lane,
        models=None if identity.models is None else sorted(identity.models),
        queue_wait_s_max=identity.queue_wait_ms_max / 1000,
        open_requests_max=identity.open_requests_max,
        open_requests=open_requests,
        output_tokens_max=identity.output_tokens_max,
    )
