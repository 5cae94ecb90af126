"""A chat template: Jinja in a sandbox, with what Hugging Face's templates expect to find."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

Render = Callable[[Sequence[Mapping[str, Any]], bool], str]
"""From messages, and whether the answer's beginning is added. Raises whatever a template raises."""


def compiled(source: str, special_tokens: Mapping[str, str]) -> Render:
    """Raises ImportError without jinja2, and its TemplateSyntaxError."""
    from jinja2.ext import loopcontrols  # noqa: PLC0415 - an optional extra
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - an optional extra

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols], autoescape=False
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    template = environment.from_string(source)

    def render(messages: Sequence[Mapping[str, Any]], adds_beginning: bool) -> str:  # noqa: FBT001 - a Render
        return template.render(
            messages=messages,
            tools=None,
            documents=None,
            add_generation_prompt=adds_beginning,
            **special_tokens,
        )

    return render


def _to_json(value: object, indent: int | None = None) -> str:
    """As in Hugging Face's: nothing is escaped for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)
