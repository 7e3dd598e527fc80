"""Rule and stage `plan`: list every trial of the search before any of them runs."""

from adapter import run
from zdl.pipeline import steps

run(steps.plan)
