"""Random, grid, halton and Bayesian search at equal budgets, as docs/comparison/PROTOCOL.md says.

    python bench/compare.py [--seeds 20] [--trials 100] [--methods random,grid,halton,bayes] [--out FOLDER]

All searches advance at once, on all cores: one that waits for the scores of its round leaves the cores to
the others. What comes of a trial is kept, a line each, in .zdl/compare/, so that a killed run goes on where
it was and another takes seconds. `bench.comparing` makes the tables, the figure and the page of it.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # read when NumPy is imported
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np
import pandas as pd

from bench import comparing
from bench.images import images
from zdl import Error
from zdl.artifacts.encoding import canonical, digest
from zdl.artifacts.fingerprint import fingerprint, function
from zdl.artifacts.io import LOCAL
from zdl.config.settings import load
from zdl.pipeline.paths import Paths
from zdl.search import plan, samplers
from zdl.search.distributions import stream
from zdl.search.samplers import SAMPLERS, Proposal, Sampler
from zdl.search.trial import Trial, describe, training

METHODS = ("random", "grid", "halton", "bayes")
SEEDS, TRIALS = 20, 100  # seeds 0 to 19
BATCH = 10  # trials of a round, for a method that learns
POINTS = 10  # values of each range in the grid
CACHED_TRIALS, PAGE = ROOT / LOCAL / "compare" / "results.jsonl", ROOT / "docs" / "comparison"


def asked(params: Mapping[str, Any], method: str, seed: int, trials: int) -> dict[str, Any]:
    """The settings of one search: those of params.yaml but for what is compared."""
    space = {name: dict(spec) for name, spec in params["search"]["space"].items()}
    for spec in space.values():
        spec.pop("points", None)
        if method == "grid" and "options" not in spec:
            spec["points"] = POINTS
    own = {"method": method, "trials": trials, "seed": seed, "batch": BATCH, "space": space}
    return {**params, "search": {**params["search"], **own}}


class Shuffled:
    """A grid's points in an order that the seed decides: that of the loops would flatter it or damn it."""

    def __init__(self, search: Mapping[str, Any]) -> None:
        grid = samplers.sampler(search)
        points, self.size = grid.propose((), grid.size), grid.size
        order = np.argsort(stream(search["seed"], "comparison").random_raw(grid.size), kind="stable")
        self.points = [points[k] for k in order]

    def propose(self, history: samplers.History, n: int) -> list[Proposal]:
        return self.points[len(history) : len(history) + n]


def sampler(search: Mapping[str, Any]) -> Sampler:
    return Shuffled(search) if search["method"] == "grid" else samplers.sampler(search)


# What the cores do: functions of their arguments, which come from and go to other processes.

rows = lru_cache(maxsize=1)(images)


def proposed(search: Mapping[str, Any], history: samplers.History, n: int) -> list[Any]:
    """The next points of a search, each with its number, and the CPU seconds that it took to choose them."""
    start = time.thread_time()
    proposals = sampler(search).propose(history, n)
    return [[list(proposal) for proposal in proposals], time.thread_time() - start]


def trained(trial: Trial, data: tuple[int, float, int]) -> list[Any]:
    """What came of a trial: validation images it has right (None if never evaluated) of how many, its status,
    held-out images it has right of how many, and the CPU seconds of the training alone."""
    split, x, t = rows(*data)
    start = time.thread_time()
    history, predictor = training(trial.spec, split._asdict(), function(trial.spec["train"]))
    seconds = time.thread_time() - start
    outcome = describe(history)
    right = next(reversed(outcome["curve"]["val_correct"]), None)
    held_out = int(np.count_nonzero(predictor(x).argmax(axis=1) == t))
    return [right, outcome["curve"]["val_size"], outcome["status"], held_out, len(t), seconds]


class Runner:
    """Jobs on the cores of `pool`, each done once: results lie in the file `kept`, a line each, by keys."""

    def __init__(self, pool: Executor, kept: Path) -> None:
        self.pool, self.jobs, self.done = pool, {}, 0
        kept.parent.mkdir(parents=True, exist_ok=True)
        text = kept.read_text("utf-8") if kept.exists() else ""
        self.known = dict(filter(None, map(_parsed, text.splitlines())))
        self.file = kept.open("a", encoding="utf-8")
        if not text.endswith("\n"):  # a kill tore the last line
            self.file.write("\n")

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    async def once(self, key: str, job: Callable[..., Any], *args: Any) -> Any:
        """The result of a job; whoever asks for one that is under way waits for it."""
        if key not in self.jobs:
            self.jobs[key] = asyncio.ensure_future(self._result(key, job, *args))
        return await self.jobs[key]

    async def _result(self, key: str, job: Callable[..., Any], *args: Any) -> Any:
        if key not in self.known:
            result = await asyncio.get_running_loop().run_in_executor(self.pool, job, *args)
            self.done += 1
            self.known[key] = result
            self.file.write(json.dumps([key, result]) + "\n")
            self.file.flush()
        return self.known[key]


def _parsed(line: str) -> list[Any] | None:
    try:
        key, result = json.loads(line)
    except ValueError:
        return None
    return [key, result]


async def played(settings: Mapping[str, Any], runner: Runner) -> list[dict[str, Any]]:
    """One search from its first trial to its last: a row for each trial, in the order proposed.

    It asks for all trials that are left; a method that learns gives those of a round, and the others when
    these have their scores.
    """
    search, paths = settings["search"], Paths(settings)
    run = {"train": paths.train, "code": paths.code(Trial.entry)}
    data = (settings["data"]["subsample"], *(settings["split"][key] for key in ("validation_rate", "seed")))
    trials: list[Trial] = []
    rows: list[dict[str, Any]] = []
    while left := search["trials"] - len(trials):
        history = [(trial.point, row["val_acc"]) for trial, row in zip(trials, rows, strict=True)]
        key = digest([fingerprint("zdl.search.samplers:sampler"), search, history, left])
        proposals, seconds = await runner.once(key, proposed, search, history, left)
        points = [Proposal(*each) for each in proposals]
        new = plan.trials_at(settings, paths.split.digest, points, trials, **run)
        if not new:
            break
        outcomes = await asyncio.gather(*(runner.once(trial.digest, trained, trial, data) for trial in new))
        number = rows[-1]["round"] + 1 if rows else 1
        for trial, outcome in zip(new, outcomes, strict=True):
            rows.append(
                {"method": search["method"], "seed": search["seed"], "trial": len(rows) + 1, "round": number}
                | {"point": canonical(trial.point).decode(), **_scores(outcome)}
                | {"proposing": seconds / len(new)}
            )
        trials += new
    return rows


def _scores(outcome: Sequence[Any]) -> dict[str, Any]:
    """What `trained` gave, as columns of the table; a diverged trial has no accuracy, whatever it reached."""
    right, size, status, held_out, held_out_size, seconds = outcome
    finished = status == "finished"
    return {
        "val_acc": right / size if finished else None,
        "held_out": held_out / held_out_size if finished else None,
        "training": seconds,
    }


async def compared(
    params: Mapping[str, Any], methods: Sequence[str], seeds: int, trials: int, runner: Runner
) -> pd.DataFrame:
    """All trials of all searches, as a table that `bench.comparing` reads."""

    async def one(method: str, seed: int) -> list[dict[str, Any]]:
        rows = await played(asked(params, method, seed, trials), runner)
        best = max(row["val_acc"] or 0.0 for row in rows)
        print(f"{method}, seed {seed}: {best:.2f} after {len(rows)} trials", flush=True)
        return rows

    searches = await asyncio.gather(*(one(method, seed) for seed in range(seeds) for method in methods))
    frame = pd.DataFrame([row for rows in searches for row in rows])
    return frame.astype({"val_acc": "float64", "held_out": "float64"})


def main(argv: Sequence[str] | None = None) -> None:
    options = _options(argv)
    params = load(ROOT / "params.yaml")
    if params["problem"] != "book":
        raise Error(f"problem: {params['problem']} is not compared (allowed: book)")
    unknown = [method for method in options.methods if method not in SAMPLERS]
    if unknown:
        raise Error(f"--methods: {unknown[0]} is no method here (allowed: {', '.join(SAMPLERS)})")
    options.out.mkdir(parents=True, exist_ok=True)  # what cannot be written to is told before the work
    deaf = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}  # Ctrl-C is for us
    with (
        ProcessPoolExecutor(cores(), get_context("spawn"), **deaf) as pool,
        Runner(pool, CACHED_TRIALS) as runner,
    ):
        trials = asyncio.run(compared(params, options.methods, options.seeds, options.trials, runner))
    for name, data in comparing.files(trials, params, BATCH).items():
        (options.out / name).write_bytes(data)
    print(f"{options.out / 'README.md'}: {comparing.finding(trials)}")


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, and not the usage before it."""
        raise Error(message)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.split(",")))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(description="Compare the search methods (docs/comparison/PROTOCOL.md).")
    parser.add_argument(
        "--seeds", type=int, default=SEEDS, help="how many searches of each method (%(default)s)"
    )
    parser.add_argument("--trials", type=int, default=TRIALS, help="of each search (%(default)s)")
    parser.add_argument("--methods", type=_listed, default=METHODS, help="some of them")
    parser.add_argument("--out", type=Path, default=PAGE, help="the folder to write to")
    options = parser.parse_args(argv)
    for name in ("seeds", "trials"):
        if getattr(options, name) < 1:
            raise Error(f"--{name}: {getattr(options, name)} is too few (allowed: 1 or more)")
    whole = (options.seeds, options.trials, options.methods) == (SEEDS, TRIALS, METHODS)
    if options.out.resolve() == PAGE and not whole:
        raise Error("--out: is needed, since docs/comparison/ is for the whole protocol")
    return options


if __name__ == "__main__":
    try:
        main()
    except (Error, OSError) as error:
        raise SystemExit(f"compare.py: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit("compare.py: stopped; the same command goes on from here") from None
