"""`make schema`: the JSON Schema of params.yaml, written from the models."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from zdl.config.schema import text

with one_line():
    Path("workflow/schemas/params.schema.yaml").write_text(text(), encoding="utf-8")
