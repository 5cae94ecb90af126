"""What the scripted engine says, and what a client must therefore receive, byte by byte."""

import json
import zlib
from functools import cache

MODEL = "m"
PROMPT_TOKENS = 512
_LEAD = f'"object":"chat.completion.chunk","created":1764100000,"model":"{MODEL}"'
WHOLE = json.dumps(
    {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": "chat.completion",
        "created": 1_764_100_000,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Some words of an answer. " * 12},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": PROMPT_TOKENS, "total_tokens": 576, "completion_tokens": 64},
    },
    separators=(",", ":"),
).encode()
"""An answer that is not streamed."""
WHOLE_CHECKSUM = zlib.crc32(WHOLE)
DONE = b"data: [DONE]\n\n"


@cache
def events(chunks: int, *, usage: bool, usage_each: bool) -> tuple[bytes, ...]:
    """The events of a stream with so many content chunks, in the shape of vLLM's."""
    told = [_event(number, chunks, usage_each=usage_each) for number in range(1, chunks + 1)]
    if usage:
        told.append(_event(chunks + 1, chunks, usage_each=True))
    return (*told, DONE)


@cache
def stream_checksum(chunks: int) -> int:
    """CRC-32 of all that a client gets that has not asked for usage."""
    return zlib.crc32(b"".join(events(chunks, usage=False, usage_each=False)))


def _event(number: int, chunks: int, *, usage_each: bool) -> bytes:
    ended = '"stop"' if number == chunks else "null"
    delta = f'{{"content":" w{number % 1000:03}"}}'
    choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{ended}}}'
    choices = choice if number <= chunks else ""
    tokens = min(number, chunks)
    usage = (
        f',"usage":{{"prompt_tokens":{PROMPT_TOKENS},"total_tokens":{PROMPT_TOKENS + tokens},'
        f'"completion_tokens":{tokens}}}'
    )
    text = f'{{"id":"chatcmpl-0123456789abcdef",{_LEAD},"choices":[{choices}]'
    return f"data: {text}{usage if usage_each else ''}}}\n\n".encode()
