"""The whole search against the book's loop over the same points, and an edit of it: ratios of wall times.

    python bench/search.py [rounds]

A round runs, in turn: the book's loop over all 100 points, in one process; the pipeline on 2 cores from
prepared data to reports, in float64 and in float32; and the pipeline after lr was narrowed to half of its
log range, in float64.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # read when NumPy is imported
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from bench.images import images
from tests import book
from tests.engines import Clone
from zdl.config.space import resolve
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress

LR = {"lr": (1e-6, 1e-2)}
HALF = {"lr": (1e-4, 1e-2)}


def book_loop(paths: Paths) -> float:
    """Seconds that the book's loop takes over the points of a search."""
    settings = paths.settings
    split, _, _ = images(settings["data"]["subsample"], **settings["split"])
    start = time.perf_counter()
    for trial in Progress(paths).trials.values():
        config, rng = resolve(settings, trial.point), np.random.default_rng(trial.number)
        sizes = [784, *[config["hidden_width"]] * config["hidden_depth"], 10]
        normal = lambda *shape, rng=rng: rng.standard_normal(shape)  # noqa: E731
        network = book.MultiLayerNet(sizes, "relu", "relu", config["weight_decay"], normal)
        draw = lambda n, size, rng=rng: rng.integers(n, size=size)  # noqa: E731
        book.Trainer(
            network, *split[:4], config["epochs"], config["batch_size"], book.SGD(config["lr"]), draw
        ).train()
    return time.perf_counter() - start


def pipeline(
    clone: Clone, dtype: str = "float64", force: bool = True, **ranges: tuple[float, float]
) -> float:
    """Seconds from prepared data to reports; `force` forgets every record first."""
    clone.edit(training={"dtype": dtype})
    clone.search(**ranges)
    if force:
        for folder in ("results", "reports", ".zdl"):
            shutil.rmtree(clone.path / folder, ignore_errors=True)
    clone.trained()
    start = time.perf_counter()
    clone.engine("snakemake")
    return time.perf_counter() - start


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    names = ("float64", "float32", "edit")
    ratios: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder, np.errstate(all="ignore"):
        clone = Clone.of_this_project(Path(folder) / "zdl", data={"source": "bundled"})
        clone.run("snakemake", "--cores", "2", "ready")
        paths = Paths.of(clone.path / "params.yaml")
        for _ in range(rounds):
            loop = book_loop(paths)
            ratios["float32"].append(loop / pipeline(clone, "float32", **LR))
            seconds = pipeline(clone, **LR)
            ratios["float64"].append(loop / seconds)
            ratios["edit"].append(pipeline(clone, force=False, **HALF) / seconds)
            new = len(clone.trained())
            print(*(f"{name} {ratios[name][-1]:.2f}" for name in names), f"{loop:.0f} s", flush=True)
    for name in ("float64", "float32"):
        middle, low, high = statistics.median(ratios[name]), min(ratios[name]), max(ratios[name])
        print(f"the book's loop / the search on 2 cores, {name}: {middle:.2f}  ({low:.2f} to {high:.2f})")
    share = statistics.median(ratios["edit"])
    print(f"after narrowing lr to half, {new} of {len(paths.names)} trials are new: {share:.2f} of the time")


if __name__ == "__main__":
    main()
