"""Rule and stage `render`: the figures and the page of the report."""

from adapter import run
from zdl.pipeline import steps

run(steps.render)
