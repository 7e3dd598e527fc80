"""The review: how an edit of the settings changed a search, for the person who approves the edit.

It reads only what two commits hold (`zdl.report.sides`), and trains nothing. A trial counts as kept only if
two digests agree on both sides: that of all that determines the trial, and that of its outcome.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from zdl.analysis import ranking
from zdl.analysis.statistics import mcnemar
from zdl.report.markdown import render
from zdl.report.measures import fewer_trials, measures
from zdl.report.sides import Side

Row = dict[Any, Any]
GROUPS = ("kept", "broken", "same", "other", "moved", "added", "dropped", "risen", "fallen")


def page(old: Side, new: Side, links: Mapping[str, str], axes: int) -> str:
    """The review as Markdown. `links` has the addresses of the figures `old` and `new` (the best trials) and
    `overlay`, and of the page of all trials, `explore` (may be empty). `axes` is the number of
    hyper-parameters of the overlay, 0 if there is no overlay."""
    same_score = old.score == new.score
    same = {part: same_score and old.made_from[part] == new.made_from[part] for part in ("data", "held_out")}
    groups = trials(old, new)
    context = {
        "score": new.score,
        "same_score": same_score,
        "old": old,
        "new": new,
        "changes": list(changes(old.settings, new.settings)),
        "libraries": list(changes(old.libraries, new.libraries)),
        "same": same,
        "trials": _places_by_group(groups, old, new),
        "sign_test": sign_test(old, new, groups["other"]),
        "fewer": fewer_trials(old, new),
        "measures": list(measures(old, new, **same)),
        "best": moves(old, new),
        "links": links,
        "axes": axes,
    }
    return render("review.md", context, 100)


def changes(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each setting that differs: its dotted key, its old and its new value; None where it is missing."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield key, old, new
        return
    for name in dict.fromkeys([*old, *new]):
        yield from changes(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))


def trials(old: Side, new: Side) -> dict[str, list[int]]:
    """The numbers of trials (from their keys), by how the edit changed them.

    kept        the same key, and the same result
    broken      the same key, and another result, which must not happen
    same        trained again (another key) at the same point, with the same result
    other       trained again at the same point, with another result
    moved       the same number at another point, as after an edit of a range
    added, dropped   on one side only
    risen, fallen    published on one side only, and perhaps unpublished on the other

    Trials of different problems are never the same.
    """
    groups: dict[str, list[int]] = {name: [] for name in GROUPS}
    old_rows, new_rows = (_rows_by(_number, side) for side in (old, new))
    comparable_rows = old_rows if old.settings["problem"] == new.settings["problem"] else {}
    for number, row in sorted(new_rows.items()):
        group = _group(comparable_rows.get(number), row)
        groups["risen" if group == "added" and old.partial else group].append(number)
    missing = old_rows.keys() - (comparable_rows.keys() & new_rows.keys())
    groups["fallen" if new.partial else "dropped"] = sorted(missing)
    return groups


def _places_by_group(groups: Mapping[str, Sequence[int]], old: Side, new: Side) -> dict[str, list[int]]:
    """The groups with each trial's place in the new search, or in the old one if only that has it."""
    places = {_number(row): row["trial"] for side in (old, new) for row in side.ranking.to_dict("records")}
    return {group: sorted(places[number] for number in numbers) for group, numbers in groups.items()}


def _rows_by(key: Callable[[Row], Any], side: Side) -> dict[Any, Row]:
    return {key(row): row for row in side.ranking.to_dict("records")}


def _number(row: Row) -> int:
    return ranking.number(row["key"])


def _group(old_row: Row | None, new_row: Row) -> str:
    if old_row is None:
        return "added"
    same_result = old_row["result"] == new_row["result"]
    if old_row["key"] == new_row["key"]:
        return "kept" if same_result else "broken"
    if _point(old_row) != _point(new_row):
        return "moved"
    return "same" if same_result else "other"


def _point(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ranking.FIXED and not pd.isna(value)}


def _identity(row: Row) -> tuple[Any, ...]:
    """The number and the point of a trial, by which it is recognised on the other side."""
    return (_number(row), *_point(row).items())


def sign_test(old: Side, new: Side, retrained: Sequence[int]) -> Row:
    """The sign test of trials that were trained again at the same points: how many scored `higher` and
    `lower` than before, the `median` difference, and the exact p-value of no difference. If one side
    publishes only its best trials, none are compared, as those that are among the best on both sides are a
    biased sample."""
    numbers = [] if old.partial or new.partial else list(retrained)
    old_scores, new_scores = (side.scores.reindex(numbers) for side in (old, new))
    differences = (new_scores - old_scores).dropna()
    higher, lower = int((differences > 0).sum()), int((differences < 0).sum())
    return {
        "trials": len(differences),
        "higher": higher,
        "lower": lower,
        "median": float(differences.median()) if len(differences) else math.nan,
        "p_value": mcnemar(higher, lower),
    }


def moves(old: Side, new: Side) -> dict[str, Any]:
    """The best trials of the new search with their old ranks, and the old best that are no longer among
    them."""
    names = [name for name in new.settings["search"]["space"] if name in new.ranking]
    old_ranks = {_identity(row): row["rank"] for row in old.ranking.to_dict("records")}
    best = ranking.top(new.ranking, new.settings["report"]["best"]).to_dict("records")
    old_size = old.settings["report"]["best"]
    rows = [
        {
            "rank": row["rank"],
            "old_rank": _old_rank(old_ranks.get(_identity(row)), old_size, "?" if old.partial else "new"),
            "trial": row["trial"],
            "val_acc": row["val_acc"],
            "point": [row[name] for name in names],
        }
        for row in best
    ]
    identities = {_identity(row) for row in best}
    old_best = ranking.top(old.ranking, old_size).to_dict("records")
    exits = [row for row in old_best if _identity(row) not in identities]
    entries = sum(not row["old_rank"].isdecimal() for row in rows)
    return {"names": names, "rows": rows, "exits": exits, "entries": entries}


def _old_rank(rank: int | None, size: int, unknown: str) -> str:
    """The old rank as text, in brackets if it is beyond the first `size`."""
    return unknown if rank is None else f"{rank}" if rank <= size else f"({rank})"


def overlaid(old: Side, new: Side) -> tuple[pd.DataFrame, list[str]]:
    """The trials of both sides, with the columns `side` and `before` of `zdl.report.figures.overlay`; and the
    one or two hyper-parameters to draw them over, of those that both sides search in the same way, if any."""
    old_space, new_space = (side.settings["search"]["space"] for side in (old, new))
    space = {
        name: spec for name, spec in new_space.items() if name in old_space and _alike(old_space[name], spec)
    }
    old_rows, new_rows = (_rows_by(_identity, side) for side in (old, new))
    old_scores = {
        identity: row["val_acc"] for identity, row in old_rows.items() if row["status"] != "diverged"
    }
    sides = [_overlay_side(old_rows.get(identity), row) for identity, row in new_rows.items()]
    scores = [old_scores.get(identity, math.nan) for identity in new_rows]
    old_only = old.ranking[[identity not in new_rows for identity in old_rows]]
    trials = pd.concat(
        [new.ranking.assign(side=sides, before=scores), old_only.assign(side="old", before=math.nan)],
        ignore_index=True,
    )
    return trials, ranking.map_axes(trials, space) if space else []


def _overlay_side(old_row: Row | None, new_row: Row) -> str:
    return "new" if old_row is None else "both" if old_row["result"] == new_row["result"] else "again"


def _alike(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two ranges can have one axis."""
    return ("options" in old) == ("options" in new)
