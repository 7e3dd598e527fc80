"""Rule and stage `download`: MNIST's leading images and the held-out ones."""

from adapter import run
from zdl.pipeline import steps

run(steps.download)
