"""The JSON Schema of params.yaml, written from the models.

Editors with a YAML language server use it to complete and explain settings. Error messages take from it what
is allowed.
"""

import io
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import walk_tree

from zdl.config.models import settings_of
from zdl.config.problem import Problem

HEAD = "# Written by `make schema` from src/zdl/config: edit the settings there.\n"


def schema(problem: Problem) -> dict[str, Any]:
    contents = settings_of(problem).model_json_schema(schema_generator=WithoutDefaults)
    return {"$schema": GenerateJsonSchema.schema_dialect, **contents}


class WithoutDefaults(GenerateJsonSchema):
    """Omits defaults from the schema: an optional setting that is left out has no value."""

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def text(problem: Problem) -> str:
    """The schema as YAML, with each line of a description on a line of its own."""
    contents = schema(problem)
    walk_tree(contents)
    yaml = YAML()
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump(contents, stream)
    return HEAD + stream.getvalue()
