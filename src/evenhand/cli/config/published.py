"""The JSON schema of the configuration, and how to find one's way in it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from evenhand.cli.config.address import Address
from evenhand.cli.config.problem import Place
from evenhand.cli.config.schema import Config

Node = dict[str, Any]
"""One schema object of JSON Schema."""


class _Plain(GenerateJsonSchema):
    """Without titles, which only repeat the keys; addresses as people write them."""

    def encode_default(self, dft: Any) -> Any:
        return str(dft) if isinstance(dft, Address) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


@cache
def json_schema() -> Node:
    """The schema as published in the docs. Do not change what is returned."""
    schema = Config.model_json_schema(schema_generator=_Plain)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def followed(node: Node) -> Node:
    """What `node` refers to, its own words kept: a description at the use wins."""
    if "$ref" not in node:
        return node
    target = json_schema()["$defs"][node["$ref"].rpartition("/")[2]]
    return {**target, **{word: value for word, value in node.items() if word != "$ref"}}


def without_null(node: Node) -> Node:
    """The other choice where null is one of two."""
    if "anyOf" not in node:
        return followed(node)
    choice = next(choice for choice in node["anyOf"] if choice.get("type") != "null")
    return {**followed(choice), **{word: value for word, value in node.items() if word != "anyOf"}}


def is_nullable(node: Node) -> bool:
    """True where null may stand for the value."""
    return any(choice.get("type") == "null" for choice in node.get("anyOf", ()))


def node_at(place: Place, data: object) -> Node | None:
    """The schema of what stands at `place` of `data`; None where nothing is foreseen there."""
    node = json_schema()
    for step in place:
        data = _below(data, step)
        properties = node.get("properties", {})
        below = node.get("items") if isinstance(step, int) else properties.get(step)
        if below is None and isinstance(node.get("additionalProperties"), dict):
            below = node["additionalProperties"]
        if below is None:
            return None
        node = _chosen(without_null(below), data)
        node["x-nullable"] = is_nullable(below)
    return node


def _below(data: object, step: str | int) -> object:
    if isinstance(data, Mapping):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def _chosen(node: Node, data: object) -> Node:
    """The variant that the data's own word for it names; the first where it names none."""
    if "oneOf" not in node:
        return dict(node)
    choice = node["discriminator"]
    named = data.get(choice["propertyName"]) if isinstance(data, Mapping) else None
    variants = choice["mapping"]
    key = named if isinstance(named, str) and named in variants else next(iter(variants))
    return dict(followed({"$ref": variants[key]}))
