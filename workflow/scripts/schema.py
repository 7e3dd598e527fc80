"""`make schema`: the JSON Schema of params.yaml, written from the models."""

from pathlib import Path

from adapter import one_line
from zdl.config.schema import text

with one_line():
    Path("workflow/schemas/params.schema.yaml").write_text(text(), encoding="utf-8")
