"""Searches with Optuna's samplers: TPE, CMA-ES, and any other that SETTINGS names.

A round asks Optuna for all its points before it reports any of their scores. The first round is that of the
random search. Optuna's samplers keep their state in a study, so each round replays the earlier ones from a
seed, which takes milliseconds a trial. Proposals are rounded to 6 digits, because their last bits differ
between processors.
"""

from collections.abc import Mapping
from typing import Any

from zdl.config.hyperparameters import unused
from zdl.search.distributions import stream
from zdl.search.samplers.base import History, Point
from zdl.search.samplers.in_rounds import InRounds

DIGITS = 6


def tpe(batch: int) -> dict[str, Any]:
    """The tree-structured Parzen estimator.

    J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011.
    """
    return {"name": "TPESampler", "n_startup_trials": batch}


def cmaes(batch: int) -> dict[str, Any]:
    """The covariance matrix adaptation evolution strategy, with one generation a round.

    N. Hansen and A. Ostermeier, "Completely Derandomized Self-Adaptation in Evolution Strategies", 2001.
    """
    size = max(batch, 4)
    return {
        "name": "CmaEsSampler",
        "n_startup_trials": 0,
        "popsize": size,
        "warn_independent_sampling": False,
    }


SETTINGS = {"tpe": tpe, "cmaes": cmaes}  # search.method -> the class and its arguments


class ByOptuna(InRounds):
    """Rounds of `batch` points, each of which needs the scores of the rounds before it."""

    def _round(self, number: int, scored: History, pending: list[Point], n: int) -> list[dict[str, Any]]:
        import optuna  # here, since only the job of a round needs it

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="maximize", sampler=self._sampler(optuna.samplers))
        for start in range(0, number * self.batch, self.batch):
            batch = scored[start : start + self.batch]
            if start == 0:
                for point, _ in batch:
                    study.enqueue_trial(dict(point))
            trials = [study.ask() for _ in batch]
            for trial in trials:
                self._point(trial)
            for trial, (_, score) in zip(trials, batch, strict=True):
                study.tell(trial, _worst(scored[: start + self.batch]) if score is None else score)
        points = [self._point(study.ask()) for _ in range(self.batch)]
        return points[len(pending) : len(pending) + n]

    def _sampler(self, samplers: Any) -> Any:
        seed = int(stream(self.search["seed"], self.search["method"]).random_raw() >> 32)
        settings = SETTINGS[self.search["method"]](self.batch)
        return getattr(samplers, settings.pop("name"))(seed=seed, **settings)

    def _point(self, trial: Any) -> dict[str, Any]:
        """The point of one of Optuna's trials, without values that play no part."""
        point: dict[str, Any] = {}
        for name in (each for each in self.declarations if each in self.space):  # `when` names earlier ones
            if name not in unused(self.declarations, {other: [value] for other, value in point.items()}):
                point[name] = _suggest(trial, name, self.space[name])
        return {name: point[name] for name in self.space if name in point}


def _suggest(trial: Any, name: str, spec: Mapping[str, Any]) -> Any:
    if "options" in spec:
        return trial.suggest_categorical(name, spec["options"])
    low, high = spec["low"], spec["high"]
    if spec["distribution"] == "int_uniform":
        return trial.suggest_int(name, low, high)
    value = trial.suggest_float(name, low, high, log=spec["distribution"] == "log_uniform")
    return min(max(float(f"{value:.{DIGITS}g}"), low), high)


def _worst(history: History) -> float:
    """The score that Optuna gets for a trial that diverged: the lowest score so far."""
    return min((score for _, score in history if score is not None), default=0.0)
