"""The search methods at equal budgets of epochs, as docs/comparison/PROTOCOL.md says.

    python bench/compare.py [--problems mnist,iris,function] [--seeds 20] [--trials 100] [--so-far]
                            [--out FOLDER]

The searches of one problem and seed are a job for a core. What comes of it is kept in .zdl/compare/, so that
a run that was stopped goes on where it was. `bench.comparing_page` makes the files of it.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import NoReturn

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # read when NumPy is imported
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pandas as pd

from bench import comparing_page, searches
from bench.comparing import SEEDS
from bench.objectives import OBJECTIVES, objective
from zdl import Error

TRIALS = 100  # a budget is that of so many whole trials
PROBLEMS = tuple(OBJECTIVES)
PAGE = ROOT / "docs" / "comparison"


def main(argv: Sequence[str] | None = None) -> None:
    options = _options(argv)
    options.out.mkdir(parents=True, exist_ok=True)  # fail before any work if it cannot be written to
    jobs = [(name, seed) for seed in range(options.seeds) for name in options.problems]
    if options.so_far:
        jobs = [(name, seed) for name, seed in jobs if [*searches.FOLDER.glob(f"{name}-{seed}-*")]]
    # Ctrl-C is for this process alone
    no_interrupt = {
        "initializer": signal.signal,
        "initargs": (signal.SIGINT, signal.SIG_IGN),
    }  # Ctrl-C is for us
    rows = []
    with ProcessPoolExecutor(cores(), get_context("spawn"), **no_interrupt) as pool:
        tables = pool.map(searches.rows, *zip(*jobs, strict=True), repeat(options.trials))
        for (name, seed), table in zip(jobs, tables, strict=True):
            rows += table
            print(f"{name}, seed {seed}", flush=True)
    budgets = {name: options.trials * objective(name).epochs for name in options.problems}
    frame = pd.DataFrame(rows)
    for name, data in comparing_page.files(frame, budgets, options.trials).items():
        (options.out / name).write_bytes(data)
    print(options.out / "README.md")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, and not the usage before it."""
        raise Error(message)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split(",")))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(description="Compare the search methods (docs/comparison/PROTOCOL.md).")
    parser.add_argument("--problems", type=_names, default=PROBLEMS, help="some of them")
    parser.add_argument(
        "--seeds", type=int, default=SEEDS, help="how many searches of each method (%(default)s)"
    )
    parser.add_argument(
        "--trials", type=int, default=TRIALS, help="the budget of a search, in whole trials (%(default)s)"
    )
    parser.add_argument("--so-far", action="store_true", help="only of searches that have run before")
    parser.add_argument("--out", type=Path, default=PAGE, help="the folder to write to")
    options = parser.parse_args(argv)
    for name in ("seeds", "trials"):
        if getattr(options, name) < 1:
            raise Error(f"--{name}: {getattr(options, name)} is too few (allowed: 1 or more)")
    if unknown := [name for name in options.problems if name not in PROBLEMS]:
        raise Error(f"--problems: {unknown[0]} is not one of these (allowed: {', '.join(PROBLEMS)})")
    is_protocol = (options.seeds, options.trials, options.problems) == (SEEDS, TRIALS, PROBLEMS)
    if options.out.resolve() == PAGE and not is_protocol:
        raise Error("--out: is needed, since docs/comparison/ is for the whole protocol")
    return options


if __name__ == "__main__":
    try:
        main()
    except (Error, OSError) as error:
        raise SystemExit(f"compare.py: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit("compare.py: stopped; the same command goes on from here") from None
