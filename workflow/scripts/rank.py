"""Rule and stage `rank`: the ranking, the best learning curves, and the metrics."""

from adapter import run
from zdl.pipeline import steps

run(steps.rank)
