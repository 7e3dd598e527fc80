"""`make schema`: the JSON Schema of params.yaml, written from the models."""

from pathlib import Path

import adapter  # noqa: F401  (this tree's own zdl)
from zdl.config.schema import text

Path("workflow/schemas/params.schema.yaml").write_text(text(), encoding="utf-8")
