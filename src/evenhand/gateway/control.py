"""The gateway's ear for commands on the same machine: one line of JSON in, one line out.

    {"do": "reload_keys", "key": "key_..."}  ->  {"is_done": true, "keys": 3, "ignored": null}

The commands are their owners': keys and engines have some. Who may connect is the file system's to say.
Nothing that is sent here is a secret.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from evenhand.stores import StateProblemError
from evenhand.stores.audit_table import user_name

CONNECTIONS_MAX = 64
LINE_BYTES_MAX = 4096
_LINE_S_MAX = 5
_WORK_S_MAX = 60

# From 3.13 on the loop looks for the socket by its address, to remove it at the end. That is its owner's
# to do, and the address may go by a descriptor that is closed.
_LEAVE_THE_SOCKET: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}

Command = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Does what a line asks for; what it gives is the answer. The line's `who` is the user who has
connected, whatever was sent. Raises StateProblemError."""


class ControlServer:
    """Answers on `listening`, one command a connection. `start` once, then `stop` once."""

    def __init__(self, listening: socket.socket, commands: dict[str, Command]) -> None:
        self._listening = listening
        self._commands = commands
        self._server: asyncio.Server | None = None
        # Bounded by CONNECTIONS_MAX, but for those that are told so.
        self._connections: set[asyncio.Task[None]] = set()

    def add(self, commands: dict[str, Command]) -> None:
        """Know these as well, from here on."""
        self._commands |= commands

    async def start(self) -> None:
        """Answer from here on, those who have connected already too."""
        self._server = await asyncio.start_unix_server(
            self._serve, sock=self._listening, limit=LINE_BYTES_MAX, **_LEAVE_THE_SOCKET
        )

    async def stop(self) -> None:
        """Take no more and cut what is open: whoever waits connects again, and finds nobody."""
        if self._server is not None:
            self._server.close()
        else:
            self._listening.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        is_full = len(self._connections) >= CONNECTIONS_MAX
        self._connections.add(task)
        try:
            answer = _failure("busy", "too many commands at once") if is_full else None
            answer = answer or await self._answer(reader, _user_of(writer))
            writer.write(orjson.dumps(answer) + b"\n")
            async with asyncio.timeout(_LINE_S_MAX):
                await writer.drain()
        except (ConnectionError, TimeoutError):
            return  # it did not wait for its answer; what it asked for is done
        except asyncio.CancelledError:
            return  # by `stop`; asyncio's streams would call a cancelled handler an error
        finally:
            writer.close()
            self._connections.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, who: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_LINE_S_MAX):
                line = await reader.readline()
            asked = orjson.loads(line)
            command = self._commands[asked["do"]]
            asked["who"] = who
        except (ValueError, KeyError, TypeError, TimeoutError):
            known = ", ".join(sorted(self._commands))
            return _failure("unknown", f"send one line of JSON whose `do` is one of {known}")
        try:
            async with asyncio.timeout(_WORK_S_MAX):
                return {"is_done": True, **await command(asked)}
        except StateProblemError as error:
            return _failure("failed", str(error))
        except TimeoutError:
            return _failure("failed", f"the state folder's disk is silent for {_WORK_S_MAX} s")
        except Exception as error:  # noqa: BLE001 - whoever asked must hear of a fault of ours
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": "a command failed", "exception": error})
            return _failure("failed", "the gateway failed on this, and its log says how")


def _user_of(writer: asyncio.StreamWriter) -> str:
    """Who has connected, by the kernel's word."""
    connection = writer.get_extra_info("socket")
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack(
        "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return user_name(uid)


def _failure(kind: str, message: str) -> dict[str, Any]:
    return {"is_done": False, "error": kind, "message": message}
