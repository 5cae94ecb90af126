"""Slows an engine down: its processes are held still for most of the time."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_TURN_S = 0.05


@asynccontextmanager
async def slowed(pid: int, factor: float) -> AsyncIterator[None]:
    """It runs for one part of the time in `factor`, for the length of the block. A leader of a process
    group is slowed with all of it."""
    is_leader = os.getpgid(pid) == pid
    send = os.killpg if is_leader else os.kill

    async def take_turns() -> None:
        try:
            while True:
                send(pid, signal.SIGSTOP)
                await asyncio.sleep(_TURN_S * (factor - 1))
                send(pid, signal.SIGCONT)
                await asyncio.sleep(_TURN_S)
        finally:
            send(pid, signal.SIGCONT)

    turns = asyncio.create_task(take_turns())
    try:
        yield
    finally:
        turns.cancel()
        await asyncio.gather(turns, return_exceptions=True)
