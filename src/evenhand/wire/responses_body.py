"""A body sent to `/v1/responses`, read as a completion.

What an engine would keep of it, or look up, is refused: another tenant could ask for it by its id, and
another engine would not find it.
"""

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
    "previous_response_id": "Send the whole conversation in input: nothing is kept of an answer.",
    "conversation": "Send the whole conversation in input: none is kept here.",
    "prompt": "Send the prompt itself, in instructions and input: none is kept here.",
}
_OUT_OF_PLACE: Final = ("messages", "suffix", "functions")
"""Of other APIs: an engine that heeds them would read a prompt that was not counted."""
_TOOLS_OF_THE_CLIENT: Final = frozenset({"function", "custom", "namespace"})
_READ_HERE: Final = READ_ALIKE | _PROMPT_MEMBERS | {"background", "store"} | {*_KEPT_ELSEWHERE}


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
    )


def _state_problem(document: Mapping[str, Any]) -> BodyProblem | None:
    for name, advice in _KEPT_ELSEWHERE.items():
        if document.get(name) is not None:
            return BodyProblem(advice, name)
    if document.get("background"):
        return BodyProblem(
            "Nothing runs in the background here: leave it out, or stream.", "background"
        )
    return None


def _problem(document: Mapping[str, Any]) -> BodyProblem | None:
    if not isinstance(document.get("input"), str | list) or not document["input"]:
        return BodyProblem("Send input: a string, or a list of items, that is not empty.", "input")
    for name in _OUT_OF_PLACE:
        if document.get(name) is not None:
            return BodyProblem(f"{name} is of another API: send input alone.", name)
    tools = document.get("tools")
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
