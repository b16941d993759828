"""Tools as models see them: JSON Schema with the plain keywords that every provider takes."""

from collections.abc import Mapping, Sequence

from bot.core.canonical import Json
from bot.core.model import ModelTool
from bot.core.tool import Tool

_DROPPED = ("title", "default")


def model_tool(tool: Tool) -> ModelTool:
    """A tool as a model is told of it."""
    schema = tool.arguments.model_json_schema()
    return ModelTool(
        name=tool.name, description=tool.description, parameters=_plain_schema(schema, schema)
    )


def _plain_schema(node: Json, root: Mapping[str, Json]) -> dict[str, Json]:
    """JSON Schema with references written out and only the keywords that every provider takes."""
    plain = _plain(node, root)
    if not isinstance(plain, dict):
        raise TypeError("A tool's schema is an object.")
    return plain


def _plain(node: Json, root: Mapping[str, Json]) -> Json:
    if isinstance(node, Mapping):
        if isinstance(ref := node.get("$ref"), str):
            target: Json = root
            for part in ref.removeprefix("#/").split("/"):
                if not isinstance(target, Mapping):
                    raise TypeError(ref)
                target = target[part]
            return _plain(target, root)
        options = node.get("anyOf")
        if isinstance(options, Sequence) and not isinstance(options, str):
            kept = [o for o in options if not (isinstance(o, Mapping) and o.get("type") == "null")]
            if len(kept) == 1 and isinstance(kept[0], Mapping):
                merged = {**kept[0], **{k: v for k, v in node.items() if k != "anyOf"}}
                return _plain(merged, root)
        return {
            key: (
                {name: _plain(v, root) for name, v in value.items()}
                if key == "properties" and isinstance(value, Mapping)
                else _plain(value, root)
            )
            for key, value in node.items()
            if key not in _DROPPED and key != "$defs"
        }
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(item, root) for item in node]
    return node
