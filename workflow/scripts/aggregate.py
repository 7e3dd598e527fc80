"""Rule and stage `aggregate`: every record, checked, in one table."""

from adapter import run
from zdl.pipeline import steps

run(steps.aggregate)
