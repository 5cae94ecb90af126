"""`/openapi.json`: the admin listener's pages as an OpenAPI 3.1 document, made from the pages."""

import re
from collections.abc import Sequence
from typing import Any, Final

from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

import evenhand
from evenhand.gateway.admin import Caller, Page, Role
from evenhand.gateway.admin.answer import json_answer

_PARAMETER: Final = re.compile(r"\{([a-z_]+)(:path)?\}")
_REFERENCES: Final = "#/components/schemas/{model}"
_MACHINES: Final = re.compile(r"/(api|livez|readyz|metrics|state|observed|explain)\b")
_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "What is wrong, and what to do."},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}


def openapi_page(pages: Sequence[Page]) -> Page:
    """The page that tells of all the others. Nothing in it is secret."""
    document = openapi(pages)

    async def answer(_: Request, __: Caller) -> Response:
        return json_answer(document)

    return Page(
        path="/openapi.json", role=Role.ANYONE, answer=answer, summary="This document, OpenAPI 3.1."
    )


def openapi(pages: Sequence[Page]) -> dict[str, Any]:
    """The document: all pages but those for people."""
    pages = [page for page in pages if _MACHINES.match(page.path)]
    takes = {model for page in pages for model in (page.query, page.body) if model is not None}
    gives = {page.result for page in pages if page.result is not None}
    inputs = [(model, "validation") for model in takes]
    outputs = [(model, "serialization") for model in gives]
    by_name = sorted([*inputs, *outputs], key=lambda one: (one[0].__name__, one[1]))
    schemas, definitions = models_json_schema(by_name, ref_template=_REFERENCES)  # type: ignore[arg-type] # the modes are literals
    paths: dict[str, dict[str, Any]] = {}
    for page in sorted(pages, key=lambda page: (page.path, page.method)):
        operations = paths.setdefault(_PARAMETER.sub(r"{\1}", page.path), {})
        operations[page.method.lower()] = _operation(page, schemas, definitions.get("$defs", {}))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Evenhand admin API",
            "version": evenhand.__version__,
            "description": "See docs/how-to-operate.md.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {"credential": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions.get("$defs", {}), "Error": _ERROR},
        },
    }


def _operation(page: Page, schemas: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    operation: dict[str, Any] = {
        "operationId": _id_of(page),
        "summary": page.summary,
        "description": f"Role: {page.role.name.lower()}.",
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1},
            }
            for name, _ in _PARAMETER.findall(page.path)
        ],
        "responses": {
            "200": {"description": "Done, or what was asked for."},
            "default": {"description": "Why not, and what to do.", "content": error},
        },
    }
    if page.role is not Role.ANYONE:
        operation["security"] = [{"credential": []}]
    if page.query is not None:
        operation["parameters"] += _parameters(schemas[page.query, "validation"], definitions)
    if page.body is not None:
        schema = schemas[page.body, "validation"]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if page.result is not None:
        schema = schemas[page.result, "serialization"]
        content = {"application/json": {"schema": schema}}
        operation["responses"]["200"]["content"] = content | {one: {} for one in page.also_gives}
    return operation


def _parameters(schema: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a query's model, each a parameter."""
    whole = definitions[schema["$ref"].rpartition("/")[2]]
    required = whole.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": member.get("description", ""),
            "schema": _without_null(member),
        }
        for name, member in whole.get("properties", {}).items()
    ]


def _without_null(member: dict[str, Any]) -> dict[str, Any]:
    """Null is said by leaving a parameter out."""
    kept = {name: value for name, value in member.items() if name not in ("default", "title")}
    if "anyOf" in kept:
        choices = [one for one in kept.pop("anyOf") if one.get("type") != "null"]
        kept |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    return kept


def _id_of(page: Page) -> str:
    words = re.findall(r"[a-z0-9_]+", page.path.removeprefix("/api/v1").replace(":path", ""))
    return "_".join([page.method.lower(), *words]) or page.method.lower()
