"""Rule and stage `render`: draw the figures and write the pages of the report."""

from adapter import run
from zdl.pipeline import steps

run(steps.render)
