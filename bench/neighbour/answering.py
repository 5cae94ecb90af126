"""Asks something that may not serve yet."""

import asyncio


async def answer(url: str, path: str) -> bytes | None:
    """The body of what a GET is answered with; None while it is not answered with 200."""
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return None
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return body if b" 200 " in head.partition(b"\r\n")[0] else None
    except OSError:
        return None
    finally:
        writer.close()
