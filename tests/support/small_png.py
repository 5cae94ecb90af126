"""A picture of a page, made small: at most 256 colours, which is what flat pages have but for the edges
of their letters."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256
_SURFACES = 48
"""Colours that are kept in any case: grounds, bars, lines."""


def small_png(png: bytes) -> bytes:
    """The same picture, each pixel in the nearest of its most frequent colours."""
    pixels = _decoded(png)
    height, width, _ = pixels.shape
    packed = (pixels.astype(np.uint32) * [1 << 16, 1 << 8, 1]).sum(axis=2).ravel()
    colours, places, counts = np.unique(packed, return_inverse=True, return_counts=True)
    palette = _palette(colours, counts)
    every = np.stack([colours >> 16 & 255, colours >> 8 & 255, colours & 255], axis=1)
    nearest = np.empty(len(every), np.uint8)
    for begin in range(0, len(every), 4_096):
        part = every[begin : begin + 4_096].astype(np.int32)
        far = ((part[:, None, :] - palette[None, :, :]) ** 2).sum(axis=2)
        nearest[begin : begin + 4_096] = far.argmin(axis=1)
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = nearest[places].reshape(height, width)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"".join(
        (
            _MAGIC,
            _chunk(b"IHDR", head),
            _chunk(b"PLTE", palette.astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _palette(colours: NDArray[Any], counts: NDArray[Any]) -> NDArray[Any]:
    """The most frequent colours, but of those that differ by a shade only the first: greys at the edges
    of letters would leave no room for the few pixels of a signal."""
    counts = counts.copy()
    counts[np.argsort(-counts)[:_SURFACES]] += 1 << 32
    shades = (colours >> 19 & 31) << 10 | (colours >> 11 & 31) << 5 | (colours >> 3 & 31)
    order = np.argsort(-counts, kind="stable")
    shades = np.where(counts > 1 << 32, colours + (1 << 15), shades)  # each surface its own
    _, firsts = np.unique(shades[order], return_index=True)
    kept = colours[order[np.sort(firsts)[:_COLOURS]]]
    return np.stack([kept >> 16 & 255, kept >> 8 & 255, kept & 255], axis=1).astype(np.int32)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _decoded(png: bytes) -> NDArray[Any]:
    """Red, green and blue of each pixel, of eight bits and not interlaced."""
    assert png.startswith(_MAGIC)
    place, body, head = len(_MAGIC), b"", b""
    while place < len(png):
        (size,) = struct.unpack_from(">I", png, place)
        name, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + size]
        head = data if name == b"IHDR" else head
        body += data if name == b"IDAT" else b""
        place += size + 12
    width, height, depth, kind, _, _, interlace = struct.unpack(">IIBBBBB", head)
    assert (depth, interlace) == (8, 0)
    channels = {2: 3, 6: 4}[kind]
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(height, 1 + width * channels)
    pixels: NDArray[Any] = _unfiltered(rows, channels).reshape(height, width, channels)
    return pixels[:, :, :3]


def _unfiltered(rows: NDArray[Any], channels: int) -> NDArray[Any]:
    found = np.zeros((len(rows), rows.shape[1] - 1), np.uint8)
    above = np.zeros(rows.shape[1] - 1, np.uint8)
    for number, row in enumerate(rows):
        above = found[number] = _unfiltered_row(int(row[0]), row[1:], above, channels)
    return found


def _unfiltered_row(
    kind: int, row: NDArray[Any], above: NDArray[Any], channels: int
) -> NDArray[Any]:
    if kind == 0:
        return row
    if kind == 2:
        added: NDArray[Any] = np.add(row, above)
        return added
    if kind == 1:
        pixels = row.reshape(-1, channels)
        found: NDArray[Any] = np.cumsum(pixels, axis=0, dtype=np.uint64).astype(np.uint8)
        flat: NDArray[Any] = found.ravel()
        return flat
    done = bytearray(len(row))
    for place, value in enumerate(row.tolist()):
        left = done[place - channels] if place >= channels else 0
        up = int(above[place])
        corner = int(above[place - channels]) if place >= channels else 0
        guess = (left + up) // 2 if kind == 3 else _paeth(left, up, corner)
        done[place] = (value + guess) & 255
    return np.frombuffer(bytes(done), np.uint8)


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    far = (abs(near - left), abs(near - up), abs(near - corner))
    return (left, up, corner)[far.index(min(far))]
