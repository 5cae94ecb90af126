"""A body sent to `/v1/responses`, read as a completion.

What an engine would look up by an id that is not of a response is refused: nobody here knows whose it
is, and another engine would not find it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from evenhand.wire.api_name import ApiName
from evenhand.wire.body_problem import BodyProblem, body_problem
from evenhand.wire.completion import Completion
from evenhand.wire.members import Members
from evenhand.wire.one_answer import READ_ALIKE, no_text_bytes, one_answer_problem

_PROMPT_MEMBERS: Final = frozenset(
    {"input", "instructions", "tools", "text", "previous_input_messages", "chat_template_kwargs"}
)
_KEPT_ELSEWHERE: Final = {
    "conversation": "Send the whole conversation in input: none is kept here.",
    "prompt": "Send the prompt itself, in instructions and input: none is kept here.",
}
_OUT_OF_PLACE: Final = ("messages", "suffix", "functions")
"""Of other APIs: an engine that heeds them would read a prompt that was not counted."""
_TOOLS_OF_THE_CLIENT: Final = frozenset({"function", "custom", "namespace"})
_READ_HERE: Final = (
    READ_ALIKE
    | _PROMPT_MEMBERS
    | {"background", "store", "previous_response_id"}
    | {*_KEPT_ELSEWHERE}
)
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,256}")


def read_response(document: Mapping[str, Any], members: Members) -> Completion | BodyProblem:
    """The facts of a parsed body, or the first problem found."""
    problem = (
        body_problem(document, members, read_here=_READ_HERE | {*_OUT_OF_PLACE})
        or one_answer_problem(document, limit="max_output_tokens")
        or _state_problem(document)
        or _problem(document)
    )
    if problem is not None:
        return problem
    prompt_bytes = members.value_bytes(_PROMPT_MEMBERS) - no_text_bytes(document["input"])
    return Completion(
        model=document["model"],
        is_stream=document.get("stream") is True,
        stream_options={},
        prompt_bytes=max(0, prompt_bytes),
        prompt_tokens=None,
        output_tokens_max=document.get("max_output_tokens"),
        prompts=1,
        choices=1,
        api=ApiName.RESPONSES,
        previous=document.get("previous_response_id"),
        is_kept=document.get("store") is not False,
    )


def _state_problem(document: Mapping[str, Any]) -> BodyProblem | None:
    for name, advice in _KEPT_ELSEWHERE.items():
        if document.get(name) is not None:
            return BodyProblem(advice, name)
    if document.get("store") not in (None, True, False) or type(document.get("store")) is int:
        return BodyProblem("store must be true or false.", "store")
    previous = document.get("previous_response_id")
    if previous is not None and not (isinstance(previous, str) and _ID.fullmatch(previous)):
        message = "previous_response_id must be the id of a response: letters, digits, _ . : -"
        return BodyProblem(message, "previous_response_id")
    if document.get("background"):
        return BodyProblem(
            "Nothing runs in the background here: leave it out, or stream.", "background"
        )
    return None


def _problem(document: Mapping[str, Any]) -> BodyProblem | None:
    items = document.get("input")
    if not isinstance(items, str | list) or not items:
        return BodyProblem("Send input: a string, or a list of items, that is not empty.", "input")
    for name in _OUT_OF_PLACE:
        if document.get(name) is not None:
            return BodyProblem(f"{name} is of another API: send input alone.", name)
    if any(isinstance(item, dict) and item.get("type") == "item_reference" for item in items):
        return BodyProblem("Send the items themselves: a reference could be another's.", "input")
    return _tools_problem(document.get("tools"))


def _tools_problem(tools: object) -> BodyProblem | None:
    if tools is None:
        return None
    kinds = [tool.get("type") if isinstance(tool, dict) else None for tool in _list(tools)]
    if not isinstance(tools, list) or None in kinds:
        return BodyProblem("tools must be a list of objects with a type.", "tools")
    foreign = next((kind for kind in kinds if kind not in _TOOLS_OF_THE_CLIENT), None)
    if foreign is not None:
        message = (
            f"A tool of type {str(foreign)[:100]!r} would run at the engine, past all limits: only "
            "function, custom and namespace tools, which you run yourself, are served."
        )
        return BodyProblem(message, "tools")
    return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
