"""Rule and stage `weights`: the best trial's network, trained once more to keep its weights."""

from adapter import run
from zdl.pipeline import steps

run(steps.weights)
