"""What a scripted engine says in `/v1/responses` and `/v1/messages`: the events and answers of vLLM."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


class ScriptedResponse:
    """One answer of `/v1/responses`. Events are pairs of JSON and the tokens produced for it."""

    def __init__(
        self, serial: int, model: object, words: list[str], usage: dict[str, Any], tool: str | None
    ) -> None:
        self._same: dict[str, Any] = {
            "id": f"resp_{serial:08d}",
            "object": "response",
            "created_at": 1_700_000_000,
        }
        self._same |= {"model": model, "tools": [], "tool_choice": "auto", "error": None}
        self._words = words
        self._usage = usage
        self._tool = tool

    def whole(self) -> dict[str, Any]:
        return {
            **self._same,
            "status": "completed",
            "output": [self._item("completed", "".join(self._words))],
            "parallel_tool_calls": True,
            "incomplete_details": None,
            **({"usage": self._usage} if self._usage else {}),
        }

    def events(self) -> Iterator[tuple[dict[str, Any], int]]:
        begun = {**self._same, "status": "in_progress", "output": [], "usage": None}
        place = {"output_index": 0, "item_id": "item_1"}
        text = {**place, "content_index": 0}
        kind = "function_call_arguments" if self._tool else "output_text"
        told: list[tuple[str, dict[str, Any], int]] = [
            ("created", {"response": begun}, 0),
            ("in_progress", {"response": begun}, 0),
            ("output_item.added", {"output_index": 0, "item": self._item("in_progress", "")}, 0),
        ]
        if not self._tool:
            told.append(("content_part.added", {**text, "part": _part("")}, 0))
        where: dict[str, Any] = {**place} if self._tool else {**text, "logprobs": []}
        told += [(f"{kind}.delta", {**where, "delta": word}, 1) for word in self._words]
        said = "".join(self._words)
        told.append((f"{kind}.done", {**where, "arguments" if self._tool else "text": said}, 0))
        done = self._item("completed", said)
        told.append(("output_item.done", {"output_index": 0, "item": done}, 0))
        told.append(("completed", {"response": self.whole()}, 0))
        for number, (name, members, tokens) in enumerate(told):
            event = {"type": f"response.{name}", "sequence_number": number, **members}
            yield event, tokens

    def _item(self, status: str, said: str) -> dict[str, Any]:
        if self._tool:
            call = {"name": self._tool, "call_id": "call_1", "arguments": said}
            return {"type": "function_call", "id": "item_1", "status": status, **call}
        content = [_part(said)] if said else []
        return {
            "type": "message",
            "id": "item_1",
            "role": "assistant",
            "status": status,
            "content": content,
        }


class ScriptedMessage:
    """One answer of `/v1/messages`, likewise. `input_tokens` is all of the prompt."""

    def __init__(
        self, serial: int, model: object, words: list[str], usage: dict[str, Any], tool: str | None
    ) -> None:
        self._same: dict[str, Any] = {"id": f"msg_{serial:08d}", "type": "message"}
        self._same |= {"role": "assistant", "model": model}
        self._words = words
        self._usage = usage
        self._tool = tool

    def whole(self) -> dict[str, Any]:
        return {
            **self._same,
            "content": [self._block("".join(self._words))],
            "stop_reason": self._reason,
            "stop_sequence": None,
            **({"usage": self._usage} if self._usage else {}),
        }

    def events(self) -> Iterator[tuple[dict[str, Any], int]]:
        begun: dict[str, Any] = {
            **self._same,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        in_all = sum(value for name, value in self._usage.items() if name != "output_tokens")
        usage = {"input_tokens": in_all, "output_tokens": 0} if self._usage else None
        yield {"type": "message_start", "message": {**begun, "usage": usage}}, 0
        block: dict[str, Any] = {"input": {}} if self._tool else {}
        yield (
            {"type": "content_block_start", "index": 0, "content_block": self._block("") | block},
            0,
        )
        yield {"type": "ping"}, 0
        for word in self._words:
            delta = (
                {"type": "input_json_delta", "partial_json": word}
                if self._tool
                else {"type": "text_delta", "text": word}
            )
            yield {"type": "content_block_delta", "index": 0, "delta": delta}, 1
        yield {"type": "content_block_stop", "index": 0}, 0
        ending = {"stop_reason": self._reason, "stop_sequence": None}
        told = {"usage": self._usage} if self._usage else {}
        yield {"type": "message_delta", "delta": ending, **told}, 0
        yield {"type": "message_stop"}, 0

    @property
    def _reason(self) -> str:
        return "tool_use" if self._tool else "end_turn"

    def _block(self, said: str) -> dict[str, Any]:
        if self._tool:
            arguments = json.loads(said) if said else {}
            return {"type": "tool_use", "id": "call_1", "name": self._tool, "input": arguments}
        return {"type": "text", "text": said}


def responses_usage(prompt: int, cached: int | None, produced: int) -> dict[str, Any]:
    details = {"cached_tokens": cached or 0, "cache_write_tokens": 0}
    return {
        "input_tokens": prompt,
        "input_tokens_details": details,
        "output_tokens": produced,
        "output_tokens_details": {"reasoning_tokens": produced // 2},
        "total_tokens": prompt + produced,
    }


def messages_usage(prompt: int, cached: int | None, produced: int) -> dict[str, Any]:
    read = cached or 0
    usage = {"input_tokens": prompt - read, "output_tokens": produced}
    return usage | ({} if cached is None else {"cache_read_input_tokens": read})


def text_of(body: Mapping[str, Any]) -> str:
    """All of a prompt, for counting its words."""
    said = [body.get("instructions"), body.get("system"), body.get("input")]
    said += [message.get("content") for message in body.get("messages") or ()]
    return " ".join(str(text) for text in said if text)


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
