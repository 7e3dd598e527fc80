"""`make schema`: the JSON Schema of params.yaml, written from the models."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # PYTHONSAFEPATH leaves it out
from adapter import one_line
from zdl.config.reading import read
from zdl.config.schema import text
from zdl.config.settings import problem_of

with one_line():
    problem = problem_of(read("params.yaml"), "params.yaml")
    Path("workflow/schemas/params.schema.yaml").write_text(text(problem), encoding="utf-8")
