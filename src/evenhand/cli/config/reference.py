"""The reference page of the configuration, written from the published schema."""

import json

from evenhand.cli.config.published import Node, followed, is_nullable, json_schema, without_null
from evenhand.cli.config.words import expected

_INTRODUCTION = """\
# Configuration

Generated from `src/evenhand/cli/config` by `make docs`; do not edit.

Evenhand reads one YAML file (UTF-8, at most 4 MiB). `evenhand init` writes a commented one,
`evenhand check FILE` explains every problem in it or prints it with all defaults, and
[configuration.schema.json](configuration.schema.json) serves editors.

- Unknown and duplicate keys are refused. Aliases, anchors and tags are not read. A bare word is a
  text, also `yes`, `no` and `on`; the booleans are `true` and `false`.
- Units are the last word of a key: `_s` seconds, `_bytes_max` bytes, `_tokens` tokens, `_mib_max`
  MiB.
- A secret is never in the file. `env:NAME` refers to an environment variable, `file:/PATH` to a
  file (absolute path, not writable by group or others, one line end at its end is dropped). A
  secret is visible ASCII without spaces; a key or the admin credential has at least 16
  characters: `openssl rand -hex 24` makes a good one.
"""


def schema_text() -> str:
    """What `configuration.schema.json` holds."""
    return json.dumps(json_schema(), indent=2) + "\n"


def reference_text() -> str:
    """What `configuration.md` holds."""
    schema = json_schema()
    parts = [_INTRODUCTION, "## The file\n", _table(schema)]
    for key, node in schema["properties"].items():
        parts += _section(key, followed(node), level=2)
    return "\n".join(parts)


def _section(place: str, node: Node, level: int) -> list[str]:
    """Heading, words and table of what stands at `place`, then what lies below."""
    node = without_null(node)
    if node.get("type") == "array":
        return _section(f"{place}[]", followed(node["items"]), level)
    if "oneOf" in node:
        parts = []
        for variant in node["oneOf"]:
            kinds = _kinds(followed(variant))
            parts += _section(f"{place}, kind {kinds}", followed(variant), level)
        return parts
    if not node.get("properties"):
        return []
    words = _one_line(_model_words(node))
    parts = [f"{'#' * level} {place}\n", f"{words}\n", _table(node)]
    for key, below in node["properties"].items():
        if not _is_recursive(node, below):
            parts += _section(f"{place}.{key}", followed(below), level + 1)
    return parts


def _model_words(node: Node) -> str:
    """The words of the section's model, where the use of it has words of its own."""
    for definition in json_schema()["$defs"].values():
        if definition.get("properties") == node["properties"]:
            return str(definition["description"])
    return str(node["description"])


def _is_recursive(node: Node, below: Node) -> bool:
    items = below.get("items", {})
    return bool(items.get("$ref")) and followed(items)["properties"] == node["properties"]


def _kinds(node: Node) -> str:
    kind = node["properties"]["kind"]
    return ", ".join(f"`{choice}`" for choice in kind.get("enum", [kind.get("const")]))


def _table(node: Node) -> str:
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, below in node["properties"].items():
        meaning = _one_line(followed(below)["description"])
        value = _value_words(below)
        default = _default_words(below, is_required=key in node.get("required", ()))
        cells = (f"`{key}`", value, default, meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _value_words(node: Node) -> str:
    words = expected(followed(node)).removeprefix("a ").removeprefix("an ")
    inner = without_null(node)
    if inner.get("type") == "array":
        item = followed(inner["items"])
        words = "list" if "properties" in item or "oneOf" in item else f"{words}: {expected(item)}"
    elif "properties" in inner:
        words = "mapping"
    return words.removesuffix(" or null") if is_nullable(node) else words


def _default_words(node: Node, *, is_required: bool) -> str:
    if is_required:
        return "**required**"
    if "x-default" in node:
        return str(node["x-default"])
    default = node.get("default")
    if default is None:
        return "left out"
    if isinstance(default, dict):
        return "see below"
    text = json.dumps(default)
    return f"`{default}`" if isinstance(default, str) else f"`{text}`"


def _one_line(text: str) -> str:
    return " ".join(text.split())
