"""The results of a comparison of search methods: tables of all trials, then a figure and a page of them.

The table of trials has a row for each trial of each search, in the order proposed: `method`, `seed`,
`trial` (from 1), `round`, `point` (as text), `val_acc` and `held_out` (blank if it diverged), and the CPU
seconds `training` and `proposing`. docs/comparison/PROTOCOL.md defines the statistics. Rules choose the words
of the page, so that it says what the numbers say. Everything but the seconds follows from the scores.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from zdl.analysis.ranking import csv, map_axes
from zdl.analysis.surrogate import surface
from zdl.data.rows import share_of
from zdl.report.figures.base import FAINT, INK, QUIET, add_axes, add_legend, new_figure, png, style, svg
from zdl.report.figures.surface_map import surface_map
from zdl.report.formatting import accuracy, count, listed, short, title
from zdl.report.markdown import tidy

REFERENCE, LEAD = "random", "bayes"  # what the others are held against, and what the page is about
MARKS, PAIRED = (10, 20, 50, 100), (20, 50, 100)  # numbers of trials at which the best so far is told
SIGNIFICANT = 0.05
LEADERS = 10  # the points of a grid whose scores tell how much luck there is
NAMES = {"bayes": "Bayesian search"}
COLOURS = {  # Okabe and Ito's, for colour-blind readers; in print, the reference is dashed
    "random": QUIET,
    "grid": "#D55E00",
    "halton": "#009E73",
    "bayes": "#0072B2",
}
STEP = 0.025  # of the axis of accuracy
EQUAL = 1e-9  # accuracies that differ by less are the same number of images
SURFACE_CAPTION = """
*The background (with one hyper-parameter: the line) is the score that the search expects after all trials;
a dot is the score of one trial. Where a dot differs from its background, its score is high or low by chance,
or the model is wrong. Where there are no dots, the model guesses. If the background is brightest at an edge,
better trials may be beyond it.*
"""


# Tables.


def best_so_far(trials: pd.DataFrame) -> pd.DataFrame:
    """The best score after each number of trials (the rows), for each method and seed (the columns).

    A diverged trial scores 0; a search that ended before the others keeps its best.
    """
    scores = trials.assign(val_acc=trials["val_acc"].fillna(0.0))
    wide = scores.pivot(index="trial", columns=["method", "seed"], values="val_acc").cummax().ffill()
    methods = list(trials["method"].unique())
    return wide.sort_index(axis="columns", key=lambda level: level.map(_place(methods)))


def _place(methods: Sequence[str]) -> Any:
    """A key that keeps methods in their order, and seeds in theirs."""
    places = {method: k for k, method in enumerate(methods)}
    return lambda value: places.get(value, value)


def quartiles(best: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles over the seeds, a row for each method and number of trials."""
    parts = []
    for method in _methods(best):
        q1, median, q3 = np.quantile(best[method].to_numpy(), (0.25, 0.5, 0.75), axis=1).round(6)
        columns = {"method": method, "trials": best.index, "q1": q1, "median": median, "q3": q3}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _methods(best: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(best.columns.get_level_values("method")))


def marks(trials: int, among: Sequence[int] = MARKS) -> list[int]:
    """The numbers of trials at which searches of so many are told: some, and the last."""
    return sorted({mark for mark in among if mark < trials} | {trials})


def searches(trials: pd.DataFrame) -> pd.DataFrame:
    """A row for each search: the best so far at the marks, the winner and its held-out accuracy.

    The winner is the first trial that reaches the highest score; there is none if all diverged.
    """
    best = best_so_far(trials)
    groups = dict(iter(trials.groupby(["method", "seed"], sort=False)))
    rows = []
    for method, seed in best.columns:
        group = groups[method, seed].sort_values("trial")
        winner = group.loc[group["val_acc"].idxmax()] if group["val_acc"].notna().any() else None
        rows.append(
            {"method": method, "seed": seed, "trials": len(group), "rounds": group["round"].nunique()}
            | {"diverged": group["val_acc"].isna().sum()}
            | {f"best_{mark}": round(best[method, seed][mark], 6) for mark in marks(len(best))}
            | {"winner": None if winner is None else winner["trial"]}
            | {"held_out": None if winner is None else round(winner["held_out"], 6)}
        )
    return pd.DataFrame(rows).astype({"winner": "Int64", "held_out": "float64"})


def needed(best: pd.DataFrame, level: float) -> dict[str, float]:
    """The median over the seeds of the number of trials that reach `level`: infinite if none does."""
    reached = best >= level - EQUAL
    first = reached.idxmax().where(reached.any(), math.inf)
    return {method: float(np.median(first[method])) for method in _methods(best)}


def pairs(found: pd.DataFrame) -> pd.DataFrame:
    """Each method against the random search of the same seed, in each measure: in how many seeds it is ahead,
    level and behind, the median difference, and the p-value of the sign test."""
    rows = []
    final = max(int(name.removeprefix("best_")) for name in found if name.startswith("best_"))
    measures = [f"best_{mark}" for mark in marks(final, PAIRED)] + ["held_out"]
    by_seed = found.set_index(["method", "seed"])
    methods = list(found["method"].unique())
    for method in (name for name in methods if name != REFERENCE and REFERENCE in methods):
        for measure in measures:
            more = (by_seed.loc[method, measure] - by_seed.loc[REFERENCE, measure]).dropna()
            ahead, behind = int((more > EQUAL).sum()), int((more < -EQUAL).sum())
            rows.append(
                {"method": method, "measure": measure, "ahead": ahead, "level": len(more) - ahead - behind}
                | {"behind": behind, "difference": round(float(more.median()), 6) if len(more) else 0.0}
                | {"p": sign_test(ahead, behind)}
            )
    return pd.DataFrame(rows)


def sign_test(ahead: int, behind: int) -> float:
    """The two-sided p-value of so many signs, exactly."""
    n, fewer = ahead + behind, min(ahead, behind)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)


def luck(trials: pd.DataFrame) -> dict[str, float] | None:
    """How far the scores of one point lie apart, trained under several seeds, and how far points do.

    Of the grid's `points` of highest mean score: `noise`, the median of their standard deviations, and
    `spread`, from the highest of their means to the lowest. None where no point was trained twice.
    """
    finished = trials[trials["method"] == "grid"].dropna(subset="val_acc")
    by_point = finished.groupby("point")["val_acc"].agg(["mean", "std"]).dropna()
    leaders = by_point.sort_values("mean", ascending=False, kind="stable").head(LEADERS)
    if len(leaders) < 2:
        return None
    means = leaders["mean"]
    return {"points": len(leaders), "noise": leaders["std"].median(), "spread": means.max() - means.min()}


def spent(trials: pd.DataFrame) -> pd.DataFrame:
    """What a search costs, a row for each method: medians over the seeds, seconds in all searches together,
    and the `middle` of its scores, which says whether it tries good points."""
    rows = []
    scores = trials.assign(val_acc=trials["val_acc"].fillna(0.0))
    for method, group in scores.groupby("method", sort=False):
        by_seed = group.groupby("seed")
        rows.append(
            {"method": method, "trials": int(by_seed.size().median())}
            | {"rounds": int(by_seed["round"].nunique().median())}
            | {"middle": float(by_seed["val_acc"].median().median())}
            | {"diverged": int(trials["val_acc"].isna()[group.index].sum())}
            | {"training": float(group["training"].sum()), "proposing": float(group["proposing"].sum())}
        )
    return pd.DataFrame(rows).set_index("method")


# The figure. It only draws.


def drawn(curves: pd.DataFrame, seeds: int) -> Figure:
    """Panels side by side over the same axes, one for each method, the reference in all of them.

    `curves` as `quartiles` gives them. (All bands in one panel would hide each other.) The axis of accuracy
    begins where the curves are after the first tenth of the trials.
    """
    methods = list(curves["method"].unique())
    panels = [method for method in methods if method != REFERENCE] or methods
    left, gap, top, width, height = 0.5, 0.16, 0.92, 2.69, 2.75
    end = curves["trials"].max()
    with style():
        across = max(left + len(panels) * (width + gap), 6.0)  # room for the legend
        figure = new_figure(across, top + height + 0.5, "The best validation accuracy so far")
        for k, method in enumerate(panels):
            ax = add_axes(figure, left + k * (width + gap), top, width, height)
            _panel(ax, curves, method)
            ax.set(xlim=(1, max(2, end)), ylim=_limits(curves), xticks=_ticks(end))
            if k:
                ax.tick_params(axis="y", length=0, labelleft=False)
        add_legend(figure, _handles(seeds, REFERENCE in methods), handlelength=2.6)
        w, h = figure.get_size_inches()
        figure.text(left / w, 0.08 / h, f"trials, 1 to {end}", fontsize=8, color=QUIET)
    return figure


def _panel(ax: Axes, curves: pd.DataFrame, method: str) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8)
    for name in dict.fromkeys((REFERENCE, method)):
        curve = curves[curves["method"] == name]
        if curve.empty:
            continue
        colour, line = COLOURS.get(name, "#CC79A7"), "--" if name == REFERENCE else "-"
        look: dict[str, Any] = {"color": colour, "linewidth": 0, "alpha": 0.22, "step": "post"}
        ax.fill_between(curve["trials"], curve["q1"], curve["q3"], **look)
        ax.plot(curve["trials"], curve["median"], line, color=colour, lw=1.6, drawstyle="steps-post")
    last = curve["median"].iloc[-1]
    ax.set_title(_name(method), loc="left", fontsize=9, fontweight="bold", color=colour)
    ax.set_title(f"{accuracy(last)} after {curve['trials'].iloc[-1]}", loc="right", fontsize=8)


def _ticks(end: int) -> list[float]:
    """Some whole numbers from 1 to `end`."""
    return [tick for tick in MaxNLocator(5, integer=True).tick_values(1, end) if 1 <= tick <= end]


def _limits(curves: pd.DataFrame) -> tuple[float, float]:
    """Multiples of STEP that the curves lie between after the first tenth of the trials."""
    later = curves[curves["trials"] >= curves["trials"].max() / 10]
    low = math.floor(later["q1"].min() / STEP + EQUAL)
    high = math.floor(later["q3"].max() / STEP + EQUAL) + 1  # above a line, which has a width
    return low * STEP, high * STEP


def _handles(seeds: int, reference: bool) -> list[Any]:
    handles: list[Any] = [
        Line2D([], [], color=INK, lw=1.6, label=f"median of {count(seeds, 'seed')}"),
        Patch(facecolor=INK, alpha=0.22, linewidth=0, label="quartiles"),
        Line2D([], [], color=COLOURS[REFERENCE], ls="--", lw=1.6, label="random search: the same"),
    ]
    return handles[: 2 + reference]


def _name(method: str) -> str:
    return NAMES.get(method, f"{method.capitalize()} search")


def learnt(trials: pd.DataFrame, params: Mapping[str, Any], batch: int) -> Figure:
    """What the first of the Bayesian searches learnt, as the report of such a search shows it."""
    own = trials[(trials["method"] == LEAD) & (trials["seed"] == trials["seed"].min())].reset_index()
    points = pd.DataFrame([json.loads(point) for point in own["point"]])
    finished = own["val_acc"].notna()
    frame = own[["val_acc"]].join(points).assign(
        trial=own["trial"] - 1,
        status=np.where(finished, "finished", "diverged"),
        rank=own["val_acc"].rank(method="first", ascending=False),
    )  # fmt: skip
    space = params["search"]["space"]
    scores = [None if math.isnan(score) else score for score in own["val_acc"]]
    seen = list(zip(points.to_dict("records"), scores, strict=True))
    search = {**params["search"], "batch": batch}
    expected = surface(search, seen, *map_axes(frame, space))
    return surface_map(frame.sort_values("rank"), space, expected, batch)


# The page.

FIGURE_CAPTION = """
*The best score by number of trials: median and quartiles over the seeds. The axis of accuracy does not begin
at 0, since every search starts low.*
"""
NUMBERS = """
After 10, 20, ... trials: the median over the seeds of the best score so far, with its quartiles in brackets.
Trials needed: the median number of trials until the best score is {level}, the final median of random
search (a dash: not reached). Held out: the accuracy of each search's winner on images that no search has
seen.
"""
AGAINST = """
Each method is compared with the random search of the same seed. The best after {last} decides; the other rows
only describe (two-sided sign test without ties, no correction for the number of rows).
"""
SPENT = """
Seconds are CPU time of all searches together. On another machine, or a busier one, they differ, and so do the
ratios. Everything else on this page, and the files beside it, follow from the scores alone. Trials that two
searches share were trained once and count for both. The middle score is the median of all scores of a search
(the table has its median over the seeds): it is high if a method tries good points again and again.
"""
CAVEATS = """
- All scores come from one split, which has {images} to score a trial, so one image is a step of {step}.
- The best of {trials} such scores is optimistic: over all searches, the median accuracy of the winners is
  {best} on the validation images and {held_out} on the held-out ones.
- The space has {axes}. With others, or more of them, the order of the methods may be different.
- A round has {batch} trials. In smaller rounds, a search that learns sees more scores before it chooses.
"""
FILES = """
The numbers of the figure are in [best_so_far.csv](best_so_far.csv), and [searches.csv](searches.csv) has a
row for each search. `make compare` makes everything again, and trains only what this machine has not yet
trained for it.
"""


def files(trials: pd.DataFrame, params: Mapping[str, Any], batch: int) -> dict[str, bytes]:
    """The published files by name; `params` are the settings that all searches share."""
    curves, seeds = quartiles(best_so_far(trials)), trials["seed"].nunique()
    figure = drawn(curves, seeds)
    shown = {}
    if LEAD in set(trials["method"]):
        ground = learnt(trials, params, batch)
        shown = {"learnt.png": png(ground), "learnt.svg": svg(ground)}
    return {
        "README.md": page(trials, params, batch).encode(),
        "best_so_far.csv": csv(curves).encode(),
        "searches.csv": csv(searches(trials)).encode(),
        "best_so_far.png": png(figure),
        "best_so_far.svg": svg(figure),
        **shown,
    }


def page(trials: pd.DataFrame, params: Mapping[str, Any], batch: int) -> str:
    """The page as Markdown; its first sentence is the finding."""
    found, spend = searches(trials), spent(trials)
    sections = [
        "# Search methods compared",
        _wrapped(f"**{finding(trials)}** {beside(trials)}"),
        _wrapped(what(trials, params)),
        _shown("The best validation accuracy so far, by method", "best_so_far"),
        _wrapped(FIGURE_CAPTION),
        "## How good, and how soon",
        accuracies(trials),
        _wrapped(NUMBERS.format(level=accuracy(_level(trials)))),
        "## Against random search",
        differences(pairs(found)),
        _wrapped(AGAINST.format(last=count(len(best_so_far(trials)), "trial"))),
        "## Why",
        *map(_wrapped, why(trials, params)),
        *(learns(trials) if LEAD in set(trials["method"]) else ()),
        "## What each search spent",
        costs(spend),
        _wrapped(SPENT),
        "## What this does not say",
        caveats(trials, params, batch),
        _wrapped(FILES),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def learns(trials: pd.DataFrame) -> list[str]:
    """What one of the Bayesian searches learnt."""
    seed = trials["seed"].min()
    return [_shown(f"What the Bayesian search of seed {seed} learnt", "learnt"), _wrapped(SURFACE_CAPTION)]


def finding(trials: pd.DataFrame) -> str:
    """The sentence about the method that the page is about (else the last), by the rule of the protocol."""
    found = searches(trials)
    against = pairs(found)
    if against.empty:
        return "Nothing was compared with random search."
    method = LEAD if LEAD in set(against["method"]) else against["method"].iloc[-1]
    row, n = _final(against, method), len(best_so_far(trials))
    own, reference = (found.loc[found["method"] == m, f"best_{n}"].median() for m in (method, REFERENCE))
    return (
        f"{_name(method)} {verdict(row)} random search here: after {count(n, 'trial')} its best validation "
        f"accuracy is {_counts(row)}; the medians are {accuracy(own)} and {accuracy(reference)}."
    )


def beside(trials: pd.DataFrame) -> str:
    """What goes with the finding: the held-out images, and the other methods by the same rule."""
    found = searches(trials)
    against = pairs(found)
    if against.empty:
        return ""
    methods = list(dict.fromkeys(against["method"]))
    lead = LEAD if LEAD in methods else methods[-1]
    row = against[(against["method"] == lead) & (against["measure"] == "held_out")].iloc[0]
    own, reference = (found.loc[found["method"] == m, "held_out"].median() for m in (lead, REFERENCE))
    said = (
        f"On images that no search has seen, its winners are {_counts(row)}, with medians of "
        f"{accuracy(own)} and {accuracy(reference)}."
    )
    others = [
        f"{_name(method)} {verdict(row)} random search (p = {_p(row['p'])})"
        for method, row in zip(methods, (_final(against, each) for each in methods), strict=True)
        if method != lead
    ]
    return f"{said} {listed(others)}." if others else said


def verdict(row: Mapping[str, Any]) -> str:
    """beats, loses to, or does not beat, by the rule of the protocol."""
    if row["p"] >= SIGNIFICANT:
        return "does not beat"
    return "beats" if row["ahead"] > row["behind"] else "loses to"


def _final(against: pd.DataFrame, method: str) -> Mapping[str, Any]:
    """The row that decides about a method: that of the best after all trials."""
    rows = against[(against["method"] == method) & (against["measure"] != "held_out")]
    return dict(rows.iloc[-1])


def _counts(row: Mapping[str, Any]) -> str:
    seeds = row["ahead"] + row["level"] + row["behind"]
    return (
        f"ahead in {row['ahead']} of {count(seeds, 'seed')}, level in {row['level']} and behind in "
        f"{row['behind']} (sign test, p = {_p(row['p'])})"
    )


def _p(p: float) -> str:
    return f"{p:.2g}"


def _level(trials: pd.DataFrame) -> float:
    """The accuracy that has to be reached: random's median after all trials (without it, the lowest such)."""
    best = best_so_far(trials)
    medians = {method: float(best[method].iloc[-1].median()) for method in _methods(best)}
    return medians.get(REFERENCE, min(medians.values()))


def what(trials: pd.DataFrame, params: Mapping[str, Any]) -> str:
    """What was compared, on what."""
    space = params["search"]["space"]
    axes = listed(f"{title(name)} ({_range(spec)})" for name, spec in space.items())
    rate = short(100.0 * params["split"]["validation_rate"])
    seeds, methods = trials["seed"].nunique(), trials["method"].nunique()
    return (
        f"{count(methods, 'method')} ran with {count(seeds, 'seed')} each and "
        f"{count(trials['trial'].max(), 'trial')} per search, over {axes}. A trial trains for "
        f"{count(params['training']['epochs'], 'epoch')} on MNIST's first {params['data']['subsample']:,} "
        f"images, without the {rate} % that score it. The rules of the comparison were [written down]"
        "(PROTOCOL.md) before there was any result."
    )


def _range(spec: Mapping[str, Any]) -> str:
    if "options" in spec:
        return ", ".join(map(short, spec["options"]))
    return f"{short(spec['low'])} to {short(spec['high'])}"


def accuracies(trials: pd.DataFrame) -> str:
    """A table of how good each method is after some trials, how soon it is as good as random in the end, and
    how good its winners are on other images."""
    best, found = best_so_far(trials), searches(trials)
    reach = needed(best, _level(trials))
    columns = [f"best_{mark}" for mark in marks(len(best))]
    head = [
        "method",
        *(f"after {name.removeprefix('best_')}" for name in columns),
        "trials needed",
        "held out",
    ]
    rows = []
    for method in _methods(best):
        own = found[found["method"] == method]
        soon = f"{reach[method]:g}" if math.isfinite(reach[method]) else "–"
        rows.append(
            [_name(method), *(_spread(own[name]) for name in columns), soon, _spread(own["held_out"])]
        )
    return _table(head, rows)


def _spread(values: "pd.Series[float]") -> str:
    if values.isna().all():
        return "–"
    q1, median, q3 = np.nanquantile(values.to_numpy(), (0.25, 0.5, 0.75)).round(4)
    return f"{median:.3f} ({q1:.3f}, {q3:.3f})"


def differences(against: pd.DataFrame) -> str:
    """A table of each method against the random search of the same seed."""
    if against.empty:
        return "There is nothing to compare with it."
    rows = [
        [
            _name(row["method"]),
            "the winner, held out"
            if row["measure"] == "held_out"
            else f"the best after {row['measure'].removeprefix('best_')}",
            *(str(row[name]) for name in ("ahead", "level", "behind")),
            f"{round(row['difference'], 3) + 0.0:+.3f}",
            _p(row["p"]),
        ]
        for row in against.to_dict("records")
    ]
    return _table(["method", "in", "ahead", "level", "behind", "median difference", "p-value"], rows)


def why(trials: pd.DataFrame, params: Mapping[str, Any]) -> list[str]:
    """What may explain the finding, as far as the scores tell: paragraphs."""
    against, spend = pairs(searches(trials)), spent(trials)
    said = []
    if LEAD in spend.index and REFERENCE in spend.index:
        said.append(_learns(spend, _final(against, LEAD)))
        said += _borne_out(against)
    if REFERENCE in spend.index:
        said.append(_room(trials, params))
    if chance := luck(trials):
        said.append(_chance(chance, params))
    return said or ["The methods compared here do not show why."]


def _learns(spend: pd.DataFrame, final: Mapping[str, Any]) -> str:
    """Whether the method that learns tries better points, and whether that made its best one better."""
    own, reference = spend["middle"][LEAD], spend["middle"][REFERENCE]
    if own > reference + EQUAL:
        learns = f"{_name(LEAD)} finds where the good points are"
    else:
        learns = f"{_name(LEAD)} does not find where the good points are"
    scores = f"the median of its scores is {accuracy(own)}, against {accuracy(reference)} in a random search"
    if (own > reference + EQUAL) == (verdict(final) == "beats"):
        return f"{learns}: {scores}."
    return f"{learns}: {scores}. But that does not decide which best trial is better."


def _borne_out(against: pd.DataFrame) -> list[str]:
    """A word where a lead on the validation images is not one on the others."""
    held_out = against[(against["method"] == LEAD) & (against["measure"] == "held_out")].iloc[0]
    if verdict(_final(against, LEAD)) != "beats" or verdict(held_out) == "beats":
        return []
    return [
        "Its lead on the validation images is not borne out by the held-out ones: a method that tries more "
        "good points also gets more lucky scores, and the best score is partly luck."
    ]


def _room(trials: pd.DataFrame, params: Mapping[str, Any]) -> str:
    """How much the later trials of a random search still add: what others have to do better in."""
    best, images = best_so_far(trials), _images(params)
    early, late = marks(len(best))[0], len(best)
    before, after = (float(best[REFERENCE].loc[n].median()) for n in (early, late))
    top = float(best.iloc[-1].max())
    return (
        f"Random search has a median of {accuracy(before)} after {early} trials and of {accuracy(after)} "
        f"after {late}. The best trial of all methods has {accuracy(top)}, so there are "
        f"{_in_images(top - after, images)} left to gain over random's median."
    )


def _chance(chance: Mapping[str, float], params: Mapping[str, Any]) -> str:
    """How much of a good score is luck."""
    noise, spread = chance["noise"], chance["spread"]
    said = (
        f"The scores of the {chance['points']} best points of the grid, each trained once with each seed, "
        f"have a standard deviation of {noise:.3f} ({_in_images(noise, _images(params))}) from seed to seed. "
        f"The means of the best and the last of these points differ by {spread:.3f}."
    )
    if noise >= spread:
        return f"{said} So luck matters more than which of these points it is, and luck cannot be learned."
    return f"{said} So even among these points, the point matters more than the luck of one training."


def _in_images(share: float, images: int) -> str:
    return f"{share * images:.1f} of {count(images, 'validation image')}"


def _images(params: Mapping[str, Any]) -> int:
    return share_of(params["split"]["validation_rate"], params["data"]["subsample"])


def costs(spend: pd.DataFrame) -> str:
    """A table of what the searches of each method spent."""
    head = [
        "method",
        "trials",
        "rounds",
        "diverged",
        "middle score",
        "training",
        "choosing",
        "choosing / training",
    ]
    rows = [
        [
            _name(str(method)),
            *(str(row[name]) for name in ("trials", "rounds", "diverged")),
            f"{row['middle']:.3f}",
            f"{row['training']:,.0f} s",
            f"{row['proposing']:,.1f} s",
            f"{row['proposing'] / max(row['training'], EQUAL):.2%}",
        ]
        for method, row in spend.to_dict("index").items()
    ]
    return _table(head, rows)


def caveats(trials: pd.DataFrame, params: Mapping[str, Any], batch: int) -> str:
    """How far the finding can be trusted."""
    found, images = searches(trials), _images(params)
    last = len(best_so_far(trials))
    text = CAVEATS.format(
        images=count(images, "image"),
        step=short(1 / images),
        trials=last,
        best=accuracy(found[f"best_{last}"].median()),
        held_out=accuracy(found["held_out"].median()),
        axes=count(len(params["search"]["space"]), "hyper-parameter"),
        batch=batch,
    )
    return text.strip()


def _shown(alt: str, name: str) -> str:
    return f"[![{alt}]({name}.png)]({name}.svg)"


def _wrapped(text: str) -> str:
    return tidy(text, 100).strip()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns also stand straight in plain text."""
    lines = [head, ["-"] * len(head), *rows]
    return tidy("\n".join(f"| {' | '.join(line)} |" for line in lines), 100).strip()
