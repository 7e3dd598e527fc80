"""How many records the fast training has in common with the plain one: variants of the search, and kernels.

    python bench/plain.py [--every N] [variant ...]

The trials of a checkout that has run, or every N-th of them, are trained in both ways with each kernel of
OpenBLAS. What is counted: trainings whose two records differ, and trials whose plain records differ between
kernels.
"""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from kernels import KERNELS, THREADS

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "replicates": {},
    "lr to 0.1": {"lr": 10},  # times that of the trial
    "momentum": {"optimizer": "momentum", "momentum": 0.9},
    "nesterov": {"optimizer": "nesterov", "momentum": 0.9},
    "sigmoid": {"activation": "sigmoid", "weight_init": "xavier"},
    "batch 10": {"batch_size": 10},
    "batch 1000": {"batch_size": 1000},
    "depth 1": {"hidden_depth": 1},
    "depth 10": {"hidden_depth": 10},
    "adagrad": {"optimizer": "adagrad"},
    "rmsprop": {"optimizer": "rmsprop", "decay_rate": 0.99},
    "adam": {"optimizer": "adam", "beta1": 0.9, "beta2": 0.999},
    "float32": {"dtype": "float32"},
}


def outcomes(variant: str, kernel: str, every: int) -> list[list[str]]:
    """Of each training the digests of its fast and its plain outcome, as another process finds them."""
    command = [sys.executable, __file__, "--here", "--every", str(every), variant]
    env = os.environ | THREADS | {"OPENBLAS_CORETYPE": kernel}
    return json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout)


def here(variant: str, every: int) -> None:
    """Print the same, found in this process."""
    from zdl.artifacts.encoding import decode_npz, digest
    from zdl.nn.fast import FastTrainer
    from zdl.nn.trainer import Trainer
    from zdl.problems import book
    from zdl.search import replicates
    from zdl.search.trial import describe, training

    (split,), (prepared,) = (
        [decode_npz(path.read_bytes()) for path in Path("data", name).glob("*.npz")]
        for name in ("split", "prepared")
    )
    records = [json.loads(path.read_text()) for path in sorted(Path("results/trials").glob("*.json"))]
    if variant == "replicates":
        files = sorted(Path("results/replicates").glob("*.json"))
        records = [json.loads(path.read_text())["replicate"] for path in files]
    results: list[list[str]] = []
    for spec in [record["spec"] for record in records[::every]]:
        images = (
            split if variant != "replicates" else replicates.split_again(prepared, spec["split"])._asdict()
        )
        lr = spec["config"]["lr"] * VARIANTS[variant].get("lr", 1)
        spec["config"] |= VARIANTS[variant] | {"lr": lr}
        results.append([])
        for trainer in FastTrainer, Trainer:
            book.FastTrainer = trainer
            results[-1].append(digest(describe(training(spec, images, book.train)[0])))
    print(json.dumps(results))


def report(variant: str, every: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        by_kernel = list(pool.map(lambda kernel: outcomes(variant, kernel, every), KERNELS))
    pairs = [pair for each in by_kernel for pair in each]
    other = sum(fast != plain for fast, plain in pairs)
    between = sum(len({plain for _, plain in each}) > 1 for each in zip(*by_kernel, strict=True))
    print(
        f"{variant}: of {len(pairs)} trainings {other} have another record than the plain one; "
        f"of {len(by_kernel[0])} plain ones {between} have other records with other kernels",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("variants", nargs="*", metavar="variant", default=list(VARIANTS))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--here", action="store_true")
    options = parser.parse_args()
    for name in options.variants:
        (here if options.here else report)(name, options.every)
