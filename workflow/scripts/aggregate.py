"""Rule and stage `aggregate`: every record, checked, in one table."""

from adapter import run
from zdl import steps

run(steps.aggregate)
