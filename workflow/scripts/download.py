"""Rule and stage `download`: get MNIST's first images and the held-out images."""

from adapter import run
from zdl.pipeline import steps

run(steps.download)
