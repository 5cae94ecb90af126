"""One small request for each tenant before a phase begins."""

import asyncio
from collections.abc import Iterable

from evenhand.cli.demo.exchange import body_of, exchange
from evenhand.cli.demo.options import DemoError
from evenhand.cli.demo.record import End, Record
from evenhand.engines.http import EngineClient
from evenhand.workloads import Call, Message

_ANSWER_S_MAX = 60.0
_READY_S_MAX = 15.0
_RETRY_S = 0.1
_CALL = Call(
    tenant="warm-up",
    messages=(Message(role="user", text="Are you there?"),),
    output_tokens_max=4,
)


async def warm_up(clients: Iterable[EngineClient], *, model: str) -> None:
    """Return when each has had a whole answer: gateway, keys and engine work, and what an engine
    with a queue of its own had left from the phase before is done.

    A gateway that has not found its engine yet (503) is asked again for 15 s. Raises DemoError.
    """
    loop = asyncio.get_running_loop()
    ready_by = loop.time() + _READY_S_MAX
    for client in clients:
        record = await _ask(client, model)
        while record.trouble.startswith("503") and loop.time() < ready_by:
            await asyncio.sleep(_RETRY_S)
            record = await _ask(client, model)
        if record.end is not End.DONE:
            raise DemoError(
                f"a first small request failed ({record.trouble}); check that the engine runs,"
                f" serves the model {model!r} and is not busy with other work"
            )


async def _ask(client: EngineClient, model: str) -> Record:
    clock = asyncio.get_running_loop().time
    record = Record(
        tenant=_CALL.tenant,
        prompt_characters=_CALL.prompt_characters,
        output_tokens_max=_CALL.output_tokens_max,
        sent_at=clock(),
    )
    try:
        async with asyncio.timeout(_ANSWER_S_MAX):
            await exchange(client, body_of(_CALL, model=model), record, clock=clock)
    except TimeoutError:
        record.trouble = f"no answer in {_ANSWER_S_MAX:g} s"
    return record
