"""Rule and stage `aggregate`: check every record and collect them in one table."""

from adapter import run
from zdl.pipeline import steps

run(steps.aggregate)
