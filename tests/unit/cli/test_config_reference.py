"""The reference page and the schema say what the models accept."""

from collections.abc import Iterator
from typing import Any

from evenhand.cli.config.limits import Limits
from evenhand.cli.config.published import json_schema
from evenhand.cli.config.reference import reference_text


def properties() -> Iterator[tuple[str, str, Any]]:
    schema = json_schema()
    for model, node in {"Config": schema, **schema["$defs"]}.items():
        for key, below in node["properties"].items():
            yield model, key, below


def test_every_key_of_every_section_is_explained() -> None:
    text = reference_text()
    for model, key, node in properties():
        assert node.get("description") or "$ref" in node, f"{model}.{key} has no docstring"
        rows = [row for row in text.splitlines() if row.startswith(f"| `{key}` |")]
        assert rows, f"{model}.{key} is not in the reference"
        assert all(cell.strip() for row in rows for cell in row.split("|")[1:-1]), rows


def test_every_number_has_bounds() -> None:
    for model, key, node in properties():
        for choice in node.get("anyOf", [node]):
            if choice.get("type") in ("integer", "number"):
                assert {"minimum", "maximum"} <= choice.keys(), f"{model}.{key}"


def test_every_list_has_a_limit() -> None:
    for model, key, node in properties():
        if node.get("type") == "array":
            assert "maxItems" in node, f"{model}.{key}"


def test_every_section_refuses_unknown_keys() -> None:
    schema = json_schema()
    for node in (schema, *schema["$defs"].values()):
        assert node["additionalProperties"] is False


def test_defaults_lie_within_their_bounds() -> None:
    defaults = Limits().model_dump()
    assert Limits.model_validate(defaults) == Limits()


def test_the_published_defaults_are_what_people_write() -> None:
    schema = json_schema()
    assert schema["properties"]["listen"]["default"] == "127.0.0.1:8080"
    assert schema["required"] == ["engines", "tenants"]
    assert schema["anyOf"] == [{"required": ["keys"]}, {"required": ["state"]}]
