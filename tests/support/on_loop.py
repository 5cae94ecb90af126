"""Runs an async test on the data path's loop, and ends it if it hangs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop


def run_on_loop(main: Callable[[], Coroutine[Any, Any, None]], limit_s: float = 30) -> None:
    """Run `main()` on uvloop. The suite's own time limit is a signal, which uvloop sleeps through."""

    async def limited() -> None:
        async with asyncio.timeout(limit_s):
            await main()

    uvloop.run(limited())
