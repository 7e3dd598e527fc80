"""The page: `reports/README.md`, which says what the search found, for a code host and for a terminal.

A page is its sections in order. Each is a function of the tables and settings it shows and of nothing
else, so that the same search gives the same bytes: no time, host, path or duration.
"""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zdl.ranking import accuracy, count, listed, map_axes, short, title, top

if TYPE_CHECKING:
    import pandas as pd

DRAWN = {  # how a search method chooses its points, in words
    "random": "drawn at random",
    "grid": "every combination of a grid",
    "halton": "spread evenly by a scrambled Halton sequence",
    "bayes": "the first {batch} drawn at random, the rest proposed {batch} at a time by a Gaussian process",
}
LABELS = {"data": "Data split (training and validation images), SHA-256", "numpy": "NumPy"}
NOT_TEXT = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")  # what YAML takes for something else
CURVES_CAPTION = """
*Accuracy by epoch: validation solid, training dashed. A wide gap between the two means that images were
learned by heart; a curve that still rises at its end, that more epochs may help.*
"""
MAP_CAPTION = """
*Every trial where it lies in the space. If the best ones crowd against an edge, better ones may lie
beyond it; if they spread all along an axis, that hyper-parameter matters little.*
"""
GRID_CAPTION = """
*Every combination of the grid. If the best ones lie along an edge, better ones may lie beyond it; between
two values of an axis, nothing was tried.*
"""
SURFACE_CAPTION = """
*The ground (over one hyper-parameter: the line) is what the search expects of a score, from all trials; a
dot is what one scored. A dot that stands out from its ground had luck, or no luck, or shows that the model
is wrong there; where there are no dots, it guesses. If the brightest ground lies along an edge, better
trials may lie beyond it.*
"""
SCORES = """
Val acc is the last point of the validation curve, by which the book ranks; final val acc is after the
last update.
"""
FILES = """
All trials are in [ranking.csv](ranking.csv), the learning curves of the best in [curves.csv](curves.csv),
and the numbers that `dvc metrics diff` compares in [metrics.json](metrics.json).
"""
REMAKE = """
`make run` on a fresh machine remakes all of this. In the activated environment `snakemake --cores 8` or
`dvc repro` does the same work, and trains only what is not there yet.
"""
ATTRIBUTION = """
The images are from MNIST, by Yann LeCun, Corinna Cortes and Christopher J. C. Burges, made from NIST's
Special Databases 1 and 3 and available under the licence CC BY-SA 3.0. The search is that of section 6.5
of Koki Saitoh's *Deep Learning from Scratch* (O'Reilly Japan, 2016).
"""


def page(
    ranking: "pd.DataFrame", metrics: Mapping[str, Any], settings: Mapping[str, Any], facts: Mapping[str, str]
) -> str:
    """The report as Markdown.

    `ranking` and `metrics` as `zdl.ranking` gives them, `settings` validated. `facts` is what else made the
    numbers, shown as it stands: ``{"data": "<SHA-256 of the split>", "numpy": "2.4.6"}``; further keys are
    shown under their own names. Links are relative to the page, to files of its own directory.
    """
    sections = (
        headline(metrics, settings),
        the_best(ranking, metrics, settings),
        the_search(ranking, settings),
        the_settings(settings),
        made_from(facts),
    )
    return "\n\n".join(sections) + "\n"


def headline(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """What was found, out of what, and how far it can be trusted."""
    best, search = metrics["best"], metrics["search"]
    images, space = search["val_images"], settings["search"]["space"]
    if best["trial"] is None:
        found = "**No trial finished: the loss of each became infinite or not a number.**"
    else:
        values = [f"{title(name)} {short(best[name])}" for name in space if best.get(name) is not None]
        found = (
            f"**Trial {best['trial']} is the best of {search['trials']:,}: it recognises "
            f"{round(best['val_acc'] * images)} of {images:,} validation images "
            f"(accuracy {accuracy(best['val_acc'])}){', with ' if values else ''}{listed(values)}.**"
        )
    return "\n\n".join(
        ["# What the search found", *map(_wrapped, (found, _what(search, settings), _doubt(images)))]
    )


def _what(search: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    space, method = settings["search"]["space"], settings["search"]["method"]
    epochs = "" if "epochs" in space else f"for {count(settings['training']['epochs'], 'epoch')} "
    kept = short(100.0 * settings["split"]["validation_rate"])
    batch = settings["search"]["batch"]
    if method == "bayes" and search["trials"] <= batch:
        method = "random"  # there was but the first round
    drawn = DRAWN.get(method, f"chosen by the method {method}").format(batch=batch)
    diverged = f"; {search['diverged']:,} diverged, and rank last" if search["diverged"] else ""
    return (
        f"{count(search['trials'], 'network')}, each with its own {listed(map(title, space))} "
        f"({drawn}), learned {epochs}from MNIST's leading "
        f"{settings['data']['subsample']:,} images, less the {kept} % kept for validation. "
        f"{search['above_half']:,} ended with a validation accuracy above 0.5{diverged}."
    )


def _doubt(images: int) -> str:
    return (
        f"One validation image is a step of {short(1 / images)} in accuracy, so trials a few images apart "
        "may well change places with other weights or another split; those that tie keep the order of "
        "their numbers."
    )


def the_best(ranking: "pd.DataFrame", metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The learning curves and the table of the best trials."""
    best = top(ranking, settings["report"]["best"])
    if best.empty:
        return "\n\n".join(["## The best", "There is none.", _wrapped(FILES)])
    names = [name for name in settings["search"]["space"] if name in ranking]
    columns = {
        **{name: best[name].astype("str").tolist() for name in ("rank", "trial")},
        **{
            title(name): _accuracies(best[name].tolist())
            for name in ("val_acc", "train_acc", "final_val_acc")
        },
        **{title(name): [short(value) for value in best[name]] for name in names},
    }
    again = f"`make trial C={metrics['best']['trial']}` trains the best once more, with the book's lines."
    return "\n\n".join(
        [
            f"## The best {len(best)}",
            _figure(f"Learning curves of the best {count(len(best), 'trial')}", "best20"),
            _wrapped(CURVES_CAPTION),
            _table(list(columns), list(zip(*columns.values(), strict=True))),
            _wrapped(SCORES + again + FILES),
        ]
    )


def _accuracies(values: Sequence[float]) -> list[str]:
    """Accuracies with as many decimals each, so that a column of them stands straight."""
    texts = [accuracy(value) for value in values]
    width = max(map(len, texts))
    return [text if text == "–" else text.ljust(width, "0") for text in texts]


def the_search(ranking: "pd.DataFrame", settings: Mapping[str, Any]) -> str:
    """Where the trials lie in the space that was searched, and where the best ones do."""
    space = settings["search"]["space"]
    best = top(ranking, settings["report"]["best"])
    rows = [
        [title(name), *_searched(spec), _span(best[name].dropna().tolist(), spec) if name in best else "–"]
        for name, spec in space.items()
    ]
    head = ["hyper-parameter", "distribution", "searched", f"of the best {len(best) or ''}".strip()]
    figure = _figure("All trials of the search", "search")
    numeric = "options" not in space[map_axes(ranking, space)[0]]
    caption = _caption(settings["search"]["method"], numeric and not best.empty)
    return "\n\n".join(["## The whole search", figure, _wrapped(caption), _table(head, rows)])


def _caption(method: str, surface: bool) -> str:
    """What to look at in the figure of the search; `surface`: whether there can be one of what it expects."""
    if method == "bayes" and surface:
        return SURFACE_CAPTION
    return GRID_CAPTION if method == "grid" else MAP_CAPTION


def _searched(spec: Mapping[str, Any]) -> list[str]:
    if "options" in spec:
        span = ", ".join(map(short, spec["options"]))
    else:
        span = f"{short(spec['low'])} to {short(spec['high'])}"
        span += f", {spec['points']} points" if "points" in spec else ""
    return [spec["distribution"].replace("_", "-"), span]


def _span(values: Sequence[Any], spec: Mapping[str, Any]) -> str:
    """What the best trials have: the range of numbers, or how often each option."""
    if not values:
        return "–"
    if "options" not in spec:
        return f"{short(min(values))} to {short(max(values))}"
    texts = [short(value) for value in values]
    return ", ".join(
        f"{option} {texts.count(option)}" for option in map(short, spec["options"]) if option in texts
    )


def the_settings(settings: Mapping[str, Any]) -> str:
    """The settings as YAML in the shape of params.yaml; values that the search replaces are marked."""
    space = settings["search"]["space"]
    searched = {"hidden_sizes" if name.startswith("hidden_") else name for name in space}
    lines = []
    for section, values in settings.items():
        lines.append(f"{section}:")
        for key, value in values.items():
            if key == "space":
                lines += ["  space:", *(f"    {name}: {_yaml(spec)}" for name, spec in value.items())]
            else:
                mark = "  # searched instead" if key in searched and section != "search" else ""
                lines.append(f"  {key}: {_yaml(value)}{mark}")
    return "\n".join(["## Settings", "", "```yaml", *lines, "```"])


def _yaml(value: Any) -> str:
    """One value on one line, a number for every reader of YAML (1.0e-06: YAML 1.1 takes 1e-06 for text)."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float):
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    if isinstance(value, str) and re.fullmatch("[a-z][a-z0-9_]*", value) and value not in NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)


def made_from(facts: Mapping[str, str]) -> str:
    """What the numbers depend on besides the settings, how to remake them, and whose images they are of."""
    lines = [f"- {LABELS.get(key, title(key))}: `{value}`" for key, value in facts.items()]
    return "\n\n".join(["## Made from", "\n".join(lines), _wrapped(REMAKE), _wrapped(ATTRIBUTION)])


def _figure(alt: str, name: str) -> str:
    return f"[![{alt}]({name}.png)]({name}.svg)"


def _wrapped(text: str) -> str:
    """A paragraph in lines that a terminal shows whole."""
    return textwrap.fill(text.strip(), 100, break_long_words=False, break_on_hyphens=False)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns also stand straight in plain text, numbers to the right."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [all(re.match(r"[\d–]", row[k]) for row in cells[1:]) for k in range(len(head))]
    rule = ["-" * (width - side) + ":" * side for width, side in zip(widths, right, strict=True)]
    lines = [
        [
            cell.rjust(width) if side else cell.ljust(width)
            for cell, width, side in zip(row, widths, right, strict=True)
        ]
        for row in cells
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
