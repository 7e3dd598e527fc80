"""Searches of one seed by all methods, within a budget of epochs: what the comparison is made from.

A row holds `problem`, `method`, `seed`, the `epochs` that the search has spent after one of its whole trials,
the `best` score of these so far, and the `held_out` accuracy of the trial that has it.
"""

import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from bench import objectives
from bench.objectives import ROOT, Curve, Objective, code_of, objective
from zdl.artifacts.encoding import digest
from zdl.artifacts.fingerprint import fingerprint
from zdl.artifacts.io import LOCAL, write
from zdl.search import plan
from zdl.search.checkpoint import course, epochs
from zdl.search.samplers import HALVINGS, LEARNERS, sampler

METHODS = ("random", "halton", "bayes", "tpe", "cmaes", "halving", "hyperband")
BATCH, ETA, RUNGS = 10, 3, 3
NOTHING = (-1.0, 0, 0.0)  # less than any score
FOLDER = ROOT / LOCAL / "compare"

Row = dict[str, Any]
Settings = Mapping[str, Any]


class Trainings:
    """The trainings of one problem and seed. Each is done once, for all methods, and a shorter one is the
    beginning of a longer one."""

    def __init__(self, problem: Objective) -> None:
        self.problem, self.curves = problem, dict[str, Curve]()

    def curve(self, spec: Settings) -> Curve:
        """The curve of a trial, of as many epochs as its spec has, or more."""
        key = course(spec)
        known = self.curves.get(key)
        if known is None or (len(known.val) < (epochs(spec) or 0) and not known.diverged):
            self.curves[key] = self.problem.curve(spec)
        return self.curves[key]

    def score(self, spec: Settings) -> float | None:
        """The score of a trial after its epochs; None if it had diverged by then."""
        curve, last = self.curve(spec), epochs(spec) or 0
        return None if curve.diverged and last >= len(curve.val) else curve.val[last - 1]


def settings_of(problem: Objective, method: str, seed: int, trials: int) -> dict[str, Any]:
    """The settings of a search whose budget is that of so many whole trials."""
    least = -(-problem.epochs // ETA ** (RUNGS - 1))
    search = {**problem.settings["search"], "method": method, "seed": seed, "batch": BATCH, "trials": trials}
    search |= {"eta": ETA, "min_epochs": least, "epochs": problem.epochs}
    if method in HALVINGS:
        search["trials"] = affordable(method, least, problem.epochs, trials * problem.epochs, problem.goes_on)
    return {**problem.settings, "search": search}


@cache
def affordable(method: str, least: int, most: int, budget: int, goes_on: bool) -> int:
    """The largest number of trials whose rungs together stay within a budget of epochs."""
    search = {"method": method, "eta": ETA, "min_epochs": least, "epochs": most}
    search |= {"space": {}, "seed": 0, "hyperparameters": {}}  # no point is drawn
    sizes = range(1, budget // least + 1)
    return max(n for n in sizes if cost(LEARNERS[method]({**search, "trials": n}), goes_on) <= budget)


def cost(halving: Any, goes_on: bool) -> int:
    """The epochs that all rungs of a search spend together."""
    total = 0
    for number, rung in enumerate(halving.rungs):
        for bracket, trials in rung.items():
            length = halving.lengths[bracket + number]
            total += trials * (length - (halving.lengths[bracket + number - 1] if number and goes_on else 0))
    return total


def play(name: str, settings: Settings, trainings: Trainings) -> list[Row]:
    """One search, from its first trial to its last: a row after each trial that was trained in full."""
    problem, search = trainings.problem, settings["search"]
    method: Any = sampler(search)
    total = sum(method.rounds) if search["method"] in HALVINGS else search["trials"]
    trials: list[Any] = []
    scores: list[float | None] = []
    epochs_of: dict[int, int] = {}  # the epochs that each trial has
    best = NOTHING
    spent, rows = 0, []
    while len(trials) < total:
        history = [(trial.point, score) for trial, score in zip(trials, scores, strict=True)]
        proposals = method.propose(history, total - len(trials))
        for trial in plan.trials_at(settings, name, proposals, trials):
            score, last = trainings.score(trial.spec), epochs(trial.spec) or 0
            spent += last - (epochs_of.get(trial.number, 0) if problem.goes_on else 0)
            epochs_of[trial.number] = last
            trials.append(trial)
            scores.append(score)
            if last == problem.epochs and score is not None:
                first = -list(epochs_of).index(trial.number)  # of equal scores, the trial proposed first
                best = max(best, (score, first, trainings.curve(trial.spec).held_out))
            if last == problem.epochs and best != NOTHING:
                row = {"problem": name, "method": search["method"], "seed": search["seed"], "epochs": spent}
                rows.append({**row, "best": best[0], "held_out": best[2]})
    return rows


def rows(name: str, seed: int, trials: int) -> list[Row]:
    """The rows of all methods with one seed. They are kept in a file, so that a run that was stopped goes
    on, and another takes seconds."""
    problem = objective(name)
    searches = [settings_of(problem, method, seed, trials) for method in METHODS]
    code = [
        problem.code,
        fingerprint("zdl.search.samplers:sampler"),
        *map(code_of, (objectives, sys.modules[__name__])),
    ]
    path = FOLDER / f"{name}-{seed}-{digest([searches, code])[:12]}.json"
    if path.exists():
        table: list[Row] = json.loads(path.read_bytes())
        return table
    trainings = Trainings(problem)
    table = [row for settings in searches for row in play(name, settings, trainings)]
    write(path, json.dumps(table).encode())
    return table
