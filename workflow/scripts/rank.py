"""Rule and stage `rank`: write the tables of the report: ranking, learning curves, metrics and others."""

from adapter import run
from zdl.pipeline import steps

run(steps.rank)
