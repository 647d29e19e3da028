"""The JSON Schema of plant.yaml, for an editor's completion and checks.

Generated from the models that read the file and from every installed connector's settings;
``config/plantseal.schema.json`` is its checked-in copy, with our own connectors.
"""

import inspect
import json
import re
from typing import Any, Final, get_args

from pydantic import BaseModel, TypeAdapter

from plantseal.config.model import RECORDED, Header, SourceHead
from plantseal_connectors.registry import connectors
from plantseal_connectors.source import SourceSettings
from plantseal_kpi.plant import Equipment

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def plant_schema() -> dict[str, Any]:
    """Return the JSON Schema of plant.yaml, one alternative of ``sources`` a connector."""
    definitions: dict[str, Any] = {}
    schema = _taken(Header, definitions)
    register = _taken(Equipment, definitions)
    definitions["Equipment"] = register
    models: list[tuple[str, type[SourceSettings]]] = [
        *((name, c.settings) for name, c in sorted(connectors().items())),
        (RECORDED, SourceSettings),
    ]
    for name, settings in models:
        definitions[f"source_{name}"] = _source(name, settings, definitions)
    schema["properties"]["equipment"] = {
        "description": "Inline list, or the path of a register in CSV or XLSX. 设备台账",
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"$ref": "#/$defs/Equipment"}},
        ],
    }
    schema["properties"]["sources"] = {
        "description": "Where rows come from. 数据源",
        "type": "array",
        "items": {"oneOf": [{"$ref": f"#/$defs/source_{name}"} for name, _ in models]},
    }
    return {"$schema": DIALECT, **schema, "$defs": dict(sorted(definitions.items()))}


def schema_text() -> str:
    """Return :func:`plant_schema` as the checked-in file has it."""
    return json.dumps(plant_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _source(name: str, settings: type[SourceSettings], definitions: dict[str, Any]) -> Any:
    head = _taken(SourceHead, definitions)
    own = _taken(settings, definitions)
    properties = {**head["properties"], **own.get("properties", {})}
    properties["connector"] = {"const": name}
    return {
        "title": name,
        "description": own.get("description", ""),
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": [*head["required"], *own.get("required", ())],
    }


def _taken(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema as YAML gives its values, its own definitions put with the others."""
    schema = TypeAdapter(model).json_schema(mode="validation")
    _describe(schema, model)
    for name, inner in schema.pop("$defs", {}).items():
        definitions.setdefault(name, inner)
    for nested in _models_in(model):
        _describe(definitions.get(nested.__name__, {}), nested)
    return schema


def _models_in(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return every model that a model's fields mention, at any depth."""
    found: set[type[BaseModel]] = set()
    open_types: list[Any] = [f.annotation for f in model.model_fields.values()]
    while open_types:
        kind = open_types.pop()
        open_types += get_args(kind)
        if inspect.isclass(kind) and issubclass(kind, BaseModel) and kind not in found:
            found.add(kind)
            open_types += [f.annotation for f in kind.model_fields.values()]
    return found


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Give a model's properties what its docstring says of them."""
    schema["description"] = (inspect.getdoc(model) or "").split("\n\n")[0].replace("\n", " ")
    for kind in reversed(model.__mro__):
        for name, text in _attributes(kind).items():
            if name in schema.get("properties", {}):
                schema["properties"][name]["description"] = text


def _attributes(kind: type) -> dict[str, str]:
    """Return the ``Attributes`` of a Google docstring."""
    section = re.search(r"^Attributes:\n((?: .*\n?|\n)*)", inspect.getdoc(kind) or "", re.MULTILINE)
    if section is None:
        return {}
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1], re.MULTILINE)
    return {name: re.sub(r"\s+", " ", text).strip() for name, text in entries}
