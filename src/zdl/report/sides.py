"""The two sides of a review. Each is a search as a commit has it: params.yaml and files under reports/."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd
from ruamel.yaml import YAML

from zdl import Error
from zdl.analysis import ranking
from zdl.artifacts.encoding import parsing
from zdl.config.checks import HALVINGS
from zdl.config.hyperparameters import Setting
from zdl.config.reading import normalise
from zdl.data.scores import Score

Declared = Callable[[object], Mapping[str, Setting]]  # from a problem's name to the settings it declares
Files = Callable[[str], bytes | None]  # from a path to the contents of the file, None if missing
NO_LIBRARIES = {"data", "held_out", "score"}  # keys of made_from.json
FILES = ("ranking.csv", "metrics.json", "made_from.json", "best20.png")


class Side(NamedTuple):
    """One of the two searches, as its commit has it."""

    name: str
    settings: dict[str, Any]
    ranking: pd.DataFrame
    metrics: dict[str, Any]
    made_from: dict[str, str]
    figure: bytes  # the learning curves of the best, as PNG
    stale: list[str]  # files that differ from dvc.lock

    @property
    def score(self) -> Score:
        """The score of its trials."""
        return Score.of(self.made_from)

    @property
    def libraries(self) -> dict[str, str]:
        """The versions of the libraries that trained its trials."""
        return {name: text for name, text in self.made_from.items() if name not in NO_LIBRARIES}

    @property
    def images(self) -> int:
        """The number of validation images of each accuracy."""
        return int(self.metrics["search"]["val_images"])

    @property
    def partial(self) -> bool:
        """Whether the commit has only the best rows of a large ranking."""
        return len(self.ranking) < int(self.metrics["search"]["trials"])

    @property
    def scores(self) -> "pd.Series[float]":
        """The score of each trial that finished and was not stopped, by the number in its key."""
        finished = ranking.top(self.ranking, len(self.ranking))
        if self.settings["search"]["method"] in HALVINGS:
            finished = finished[finished["epochs"] == finished["epochs"].max()]
        return finished.set_index(finished["key"].map(ranking.number))["val_acc"].astype("float64")


def read(name: str, files: Files, stale: list[str], declared: Declared) -> Side:
    """The side called `name`; Error, in one line, if it has no report that can be read."""
    contents = {}
    for path in ("params.yaml", *(f"reports/{file}" for file in FILES)):
        data = files(path)
        if data is None:
            raise Error(f"{path}: is not in {name} (needed: a commit with its report)")
        contents[path] = data
    with parsing(f"{name}:params.yaml"):
        raw = YAML(typ="safe", pure=True).load(contents["params.yaml"])
        settings = normalise(raw, declared(raw.get("problem", "book")))
    with parsing(f"{name}:reports"):
        frame = ranking.read(contents["reports/ranking.csv"].decode())
        metrics, made_from = (
            json.loads(contents[f"reports/{part}.json"]) for part in ("metrics", "made_from")
        )
    return Side(name, settings, frame, metrics, made_from, contents["reports/best20.png"], stale)
