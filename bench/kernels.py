"""How far a search comes out the same with other matrix products: each optimizer, with OpenBLAS's kernels.

    python bench/kernels.py [optimizer ...]

For each optimizer the trials of params.yaml are trained with every kernel, a process each. What differs is
counted over the trials: their records (in which losses have 4 digits), and the scores that rank them.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

KERNELS = ("Haswell", "SkylakeX", "Sandybridge", "Prescott")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam")
THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def outcomes(optimizer: str, kernel: str) -> list[tuple[str, int | None]]:
    """Of each trial the digest of its outcome and the score that ranks it, as another process finds them."""
    command = [sys.executable, __file__, "--here", optimizer]
    env = os.environ | THREADS | {"OPENBLAS_CORETYPE": kernel}
    return json.loads(subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True).stdout)


def here(optimizer: str) -> None:
    """Print the same, found in this process."""
    from zdl.artifacts.encoding import digest
    from zdl.artifacts.fingerprint import function
    from zdl.artifacts.io import read_npz
    from zdl.config.settings import load
    from zdl.pipeline.paths import Paths
    from zdl.pipeline.progress import Progress
    from zdl.search.trial import describe, training

    settings = load("params.yaml")
    settings["training"]["optimizer"] = optimizer
    paths = Paths(settings)
    split = read_npz(*paths.split)
    results = []
    for trial in Progress(paths).trials.values():
        history, _ = training(trial.spec, split, function(trial.spec["train"]))
        results.append((digest(describe(history)), history.val_correct[-1] if history.val_correct else None))
    print(json.dumps(results))


def report(optimizer: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        by_kernel = list(pool.map(outcomes, [optimizer] * len(KERNELS), KERNELS))
    trials = list(zip(*by_kernel, strict=True))
    records = sum(len({digest for digest, _ in each}) > 1 for each in trials)
    scores = sum(len({score for _, score in each}) > 1 for each in trials)
    print(
        f"{optimizer}: of {len(trials)} trials {records} have other records, {scores} other scores",
        flush=True,
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        here(sys.argv[2])
    else:
        for optimizer in sys.argv[1:] or OPTIMIZERS:
            report(optimizer)
