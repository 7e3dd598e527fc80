"""The review: what an edit of the settings did to a search, for whoever has to say yes or no to it.

Both sides are what a commit holds: params.yaml and the tables under reports/. Nothing is trained, and nothing
of the pipeline has to be there. That a trial was kept is not taken on trust: each side has a digest of all
that determines it, and another of what came of it.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from ruamel.yaml import YAML

from zdl import Error
from zdl.analysis import ranking
from zdl.analysis.statistics import expected_maximum, mcnemar, wilson
from zdl.artifacts.io import parsing
from zdl.config.settings import normalise
from zdl.report.formatting import tidy
from zdl.report.page import templates

Files = Callable[[str], bytes | None]  # the contents of a file of one side, None if it is not there
Interval = tuple[float, float]
Row = dict[str, Any]
OF_MORE = "not of as many trials"
FATES = ("kept", "broken", "same", "other", "moved", "added", "dropped", "risen", "fallen")
TABLES = ("ranking.csv", "metrics.json", "made_from.json", "best20.png")


class Side(NamedTuple):
    """One of the two searches, as its commit has it."""

    name: str
    settings: dict[str, Any]
    ranking: pd.DataFrame
    metrics: dict[str, Any]
    made_from: dict[str, str]
    figure: bytes  # the learning curves of the best, as PNG
    stale: list[str]  # files that are not those on record

    @property
    def images(self) -> int:
        """Validation images behind each accuracy."""
        return int(self.metrics["search"]["val_images"])

    @property
    def partial(self) -> bool:
        """Whether the commit has only the best rows of a large ranking."""
        return len(self.ranking) < int(self.metrics["search"]["trials"])


def read(name: str, files: Files, stale: list[str]) -> Side:
    """The side called `name`; Error, in one line, if it has no report that can be read."""
    found = {}
    for path in ("params.yaml", *(f"reports/{table}" for table in TABLES)):
        data = files(path)
        if data is None:
            raise Error(f"{path}: is not in {name} (needed: a commit with its report)")
        found[path] = data
    with parsing(f"{name}:params.yaml"):
        settings = normalise(YAML(typ="safe", pure=True).load(found["params.yaml"]))
    with parsing(f"{name}:reports"):
        frame = ranking.read(found["reports/ranking.csv"].decode())
        metrics, made_from = (json.loads(found[f"reports/{part}.json"]) for part in ("metrics", "made_from"))
    return Side(name, settings, frame, metrics, made_from, found["reports/best20.png"], stale)


def page(old: Side, new: Side, links: Mapping[str, str], axes: int) -> str:
    """The review as Markdown. `links` say where the figures `old` and `new` (of the best) and `overlay` are;
    `axes` over how many hyper-parameters that is, 0 if there is none."""
    same = {part: old.made_from[part] == new.made_from[part] for part in ("data", "held_out")}
    fates = trials(old, new)
    context = {
        "old": old,
        "new": new,
        "changes": list(changes(old.settings, new.settings)),
        "same": same,
        "trials": fates,
        "paired": paired(old, new, fates["other"]),
        "few": _fewer(old, new),
        "measures": list(measures(old, new, **same)),
        "best": moves(old, new),
        "links": links,
        "axes": axes,
    }
    return tidy(templates().get_template("review.md.j2").render(context), 100)


def changes(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each setting that differs, by its dotted key, old and new; None where one side has no such key."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield key, old, new
        return
    for name in dict.fromkeys([*old, *new]):
        yield from changes(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))


def trials(old: Side, new: Side) -> dict[str, list[int]]:
    """Numbers of trials, by what became of them.

    kept        the same key, and the same result
    broken      the same key, and another result: that must not be
    same        trained anew (another key) at the same point, with the same result
    other       trained anew at the same point, with another result
    moved       the same number at another point, as where a range was edited
    added, dropped   of one side only
    risen, fallen    published on one side only, where the other has not published all: it cannot be told
    """
    groups: dict[str, list[int]] = {name: [] for name in FATES}
    before, after = ({row["trial"]: row for row in _rows(side.ranking)} for side in (old, new))
    for number, row in sorted(after.items()):
        fate = _fate(before.get(number), row)
        groups["risen" if fate == "added" and old.partial else fate].append(number)
    groups["fallen" if new.partial else "dropped"] = sorted(before.keys() - after.keys())
    return groups


def _rows(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _fate(before: Row | None, after: Row) -> str:
    if before is None:
        return "added"
    came_out_the_same = before["result"] == after["result"]
    if before["key"] == after["key"]:
        return "kept" if came_out_the_same else "broken"
    if _point(before) != _point(after):
        return "moved"
    return "same" if came_out_the_same else "other"


def _point(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ranking.FIXED and not pd.isna(value)}


def _identity(row: Row) -> tuple[Any, ...]:
    """By which a trial of one side is that of the other: its number and its point."""
    return (row["trial"], *_point(row).items())


def paired(old: Side, new: Side, again: Sequence[int]) -> Row:
    """The trials `again`, trained anew at the same points, each compared with itself: how many scored
    `higher`, `lower` and as high as before, the `median` difference, and the exact p-value of no difference
    (a sign test, which counts a trial as a throw of a coin). None are, where only the best are published: to
    be among those on both sides is no fair choice."""
    fair = [] if old.partial or new.partial else list(again)
    before, after = (_scores(side).reindex(fair) for side in (old, new))
    apart = (after - before).dropna()
    higher, lower = int((apart > 0).sum()), int((apart < 0).sum())
    return {
        "trials": len(apart),
        "higher": higher,
        "lower": lower,
        "median": float(apart.median()) if len(apart) else math.nan,
        "p_value": mcnemar(higher, lower),
    }


def _scores(side: Side) -> "pd.Series[float]":
    """The accuracy of each trial that finished, by its number."""
    finished = ranking.top(side.ranking, len(side.ranking))
    return finished.set_index("trial")["val_acc"].astype("float64")


class Measure(NamedTuple):
    """A number of both sides; `verdict` says, where it can be said, whether the difference is but noise."""

    name: str
    old: str
    new: str
    difference: str
    verdict: str


def measures(old: Side, new: Side, data: bool, held_out: bool) -> Iterator[Measure]:
    """What the edit did to the results. `data` says whether both are scored by the same validation images,
    `held_out` whether by the same held-out ones: without, two accuracies are not set against each other."""
    survived = [side.metrics["confirmed"] for side in (old, new)]
    spans = [
        None if side["held_out"] is None else (side["held_out_low"], side["held_out_high"])
        for side in survived
    ]
    pair = [side["held_out"] for side in survived]
    yield _accuracies("held-out accuracy of the confirmed best", pair, spans, held_out)
    pair = [side["linear_held_out"] for side in survived]
    yield _accuracies("held-out accuracy of a linear model", pair, [None, None], held_out)
    pair = [side.metrics["best"]["val_acc"] for side in (old, new)]
    spans = [
        None if score is None else wilson(round(score * side.images), side.images)
        for score, side in zip(pair, (old, new), strict=True)
    ]
    yield _accuracies("validation accuracy of Best-1", pair, spans, data)
    if few := _fewer(old, new):
        pair = [_expected(side, few) for side in (old, new)]
        if None not in pair:
            yield _accuracies(f"best of {few:,} trials, expected", pair, [None, None], data)
    shown = " and ".join(dict.fromkeys(f"{side.settings['report']['best']:,}" for side in (old, new)))
    for name, key in (("mean", "mean_val_acc"), ("least", "min_val_acc")):
        pair = [side.metrics["top"][key] for side in (old, new)]
        measure = _accuracies(f"{name} of the best {shown}", pair, [None, None], data)
        yield measure._replace(verdict=measure.verdict or (OF_MORE if few else ""))
    for name, key in (("trials", "trials"), ("diverged", "diverged"), ("accuracy above 0.5", "above_half")):
        counts = [side.metrics["search"][key] for side in (old, new)]
        verdict = OF_MORE if few and key != "trials" else ""
        yield Measure(name, f"{counts[0]:,}", f"{counts[1]:,}", f"{counts[1] - counts[0]:+,}", verdict)


def _fewer(old: Side, new: Side) -> int:
    """How many trials the smaller of two searches has; 0 if both have as many."""
    counts = [side.metrics["search"]["trials"] for side in (old, new)]
    return min(counts) if counts[0] != counts[1] else 0


def _expected(side: Side, count: int) -> float | None:
    """What `count` trials of a random search find, on average; None of any other, and of one whose report
    leaves out some trials. One that diverged scores 0."""
    scores = _scores(side).tolist()
    if side.settings["search"]["method"] != "random" or side.partial or not scores:
        return None
    return float(expected_maximum(scores + [0.0] * (len(side.ranking) - len(scores)))[count - 1])


def _accuracies(
    name: str, pair: Sequence[float | None], spans: Sequence[Interval | None], comparable: bool
) -> Measure:
    before, after = pair
    texts = _accuracy(before, spans[0]), _accuracy(after, spans[1])
    if before is None or after is None:
        return Measure(name, *texts, "–", "")
    if not comparable:
        return Measure(name, *texts, "–", "other images")
    verdict = ""
    if spans[0] and spans[1]:
        low, high = difference(before, spans[0], after, spans[1])
        verdict = "inside the noise" if low <= 0 <= high else "more than noise"
        if (before, spans[0]) == (after, spans[1]):
            verdict = "the same"
    return Measure(name, *texts, f"{after - before:+.3f}", verdict)


def _accuracy(value: float | None, span: Interval | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" + (f" ({span[0]:.3f} to {span[1]:.3f})" if span else "")


def difference(before: float, first: Interval, after: float, second: Interval) -> Interval:
    """The interval of the difference of two accuracies, from those of each: R. G. Newcombe's method 10
    ("Interval estimation for the difference between independent proportions", 1998). Where both are of the
    same images it is too wide, so that what it calls more than noise is."""
    apart = after - before
    low = math.sqrt((after - second[0]) ** 2 + (first[1] - before) ** 2)
    high = math.sqrt((second[1] - after) ** 2 + (before - first[0]) ** 2)
    return apart - low, apart + high


def moves(old: Side, new: Side) -> dict[str, Any]:
    """The best of the new search, each with its old rank; and which of the old are among them no more."""
    names = [name for name in new.settings["search"]["space"] if name in new.ranking]
    before = {_identity(row): row["rank"] for row in _rows(old.ranking)}
    best = _rows(ranking.top(new.ranking, new.settings["report"]["best"]))
    shown = old.settings["report"]["best"]
    rows = [
        {
            "rank": row["rank"],
            "was": _was(before.get(_identity(row)), shown, "?" if old.partial else "new"),
            "trial": row["trial"],
            "val_acc": row["val_acc"],
            "point": [row[name] for name in names],
        }
        for row in best
    ]
    there = {_identity(row) for row in best}
    left = [row for row in _rows(ranking.top(old.ranking, shown)) if _identity(row) not in there]
    entered = sum(not row["was"].isdecimal() for row in rows)
    return {"names": names, "rows": rows, "left": left, "entered": entered}


def _was(rank: int | None, shown: int, unknown: str) -> str:
    """The old rank; beyond those that were shown, in brackets."""
    return unknown if rank is None else f"{rank}" if rank <= shown else f"({rank})"


def overlaid(old: Side, new: Side) -> tuple[pd.DataFrame, list[str]]:
    """The trials of both, with the columns `side` and `before` as `zdl.report.figures.overlay` takes them;
    and the hyper-parameters to draw them over: one or two that both searched in the same way, none if there
    is no such one."""
    before, after = (side.settings["search"]["space"] for side in (old, new))
    space = {name: spec for name, spec in after.items() if name in before and _alike(before[name], spec)}
    was, is_ = ({_identity(row): row for row in _rows(side.ranking)} for side in (old, new))
    finished = {identity: row["val_acc"] for identity, row in was.items() if row["status"] != "diverged"}
    sides = [_side(was.get(identity), row) for identity, row in is_.items()]
    scores = [finished.get(identity, math.nan) for identity in is_]
    gone = old.ranking[[identity not in is_ for identity in was]]
    trials = pd.concat(
        [new.ranking.assign(side=sides, before=scores), gone.assign(side="old", before=math.nan)],
        ignore_index=True,
    )
    return trials, ranking.map_axes(trials, space) if space else []


def _side(before: Row | None, row: Row) -> str:
    return "new" if before is None else "both" if before["result"] == row["result"] else "again"


def _alike(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two ranges can have one axis."""
    return ("options" in old) == ("options" in new)
