"""The pages: `reports/README.md` and its translations, which say what the search found.

The facts are computed once, as plain values; each page is a template under `zdl/pages/` that words them, so
that all tell the same, and a translator edits a file that reads like the page. The same search gives the
same bytes: no time, host, path or duration.
"""

import json
import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zdl.ranking import accuracy, count, listed, map_axes, short, title, top

if TYPE_CHECKING:
    import pandas as pd

TEMPLATES = Path(__file__).parent / "pages"  # a page's name and .j2
PAGES = {"README.md": 100}  # each page, and the columns that its paragraphs are wrapped at
NOT_TEXT = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")  # what YAML takes for something else


def pages(
    ranking: "pd.DataFrame", metrics: Mapping[str, Any], settings: Mapping[str, Any], facts: Mapping[str, str]
) -> dict[str, str]:
    """The report as Markdown: the text of each page in PAGES.

    `ranking` and `metrics` as `zdl.ranking` gives them, `settings` validated. `facts` is what else made the
    numbers, shown as it stands: ``{"data": "<SHA-256 of the split>", "numpy": "2.4.6"}``; further keys are
    shown under their own names. Links are relative to the page, to files of its own directory.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, from validated settings
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    context = {
        "settings": settings,
        "space": settings["search"]["space"],
        "yaml": as_yaml(settings),
        "made_from": facts,
        "search": metrics["search"],
        "method": _method(metrics["search"], settings["search"]),
        "best": _best(metrics, settings),
        "leaders": _leaders(ranking, settings),
        "searched": _searched(ranking, settings),
        "surface": _surface(ranking, settings),
    }
    return {
        name: tidy(environment.get_template(f"{name}.j2").render(context), width)
        for name, width in PAGES.items()
    }


FILTERS: dict[str, Callable[..., str]] = {
    "accuracy": accuracy,
    "count": count,
    "listed": listed,
    "short": short,
    "title": title,
    "thousands": lambda number: f"{number:,}",
}


# The facts.


def _best(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The best trial; None if no trial finished."""
    best, images = metrics["best"], metrics["search"]["val_images"]
    if best["trial"] is None:
        return None
    space = settings["search"]["space"]
    point = {name: best[name] for name in space if best.get(name) is not None}
    return {**best, "correct": round(best["val_acc"] * images), "point": point}


def _method(counts: Mapping[str, Any], search: Mapping[str, Any]) -> str:
    """How the points were chosen: at random, too, where a search that learns had but its first round."""
    only_first = search["method"] == "bayes" and counts["trials"] <= search["batch"]
    return "random" if only_first else str(search["method"])


def _leaders(ranking: "pd.DataFrame", settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The best trials, a row each; accuracies as texts, with as many decimals each."""
    best = top(ranking, settings["report"]["best"])
    point = [name for name in settings["search"]["space"] if name in ranking]
    rows = [{"rank": rank, "trial": trial} for rank, trial in best[["rank", "trial"]].itertuples(index=False)]
    texts = {
        name: _accuracies(best[name].tolist()) for name in ("val_acc", "train_acc", "final_val_acc") if rows
    }
    return [
        {
            **row,
            **{name: column[k] for name, column in texts.items()},
            "point": {name: best[name].iloc[k] for name in point},
        }
        for k, row in enumerate(rows)
    ]


def _accuracies(values: Sequence[float]) -> list[str]:
    """Accuracies with as many decimals each, so that a column of them stands straight."""
    texts = [accuracy(value) for value in values]
    width = max(map(len, texts))
    return [text if text == "–" else text.ljust(width, "0") for text in texts]


def _searched(ranking: "pd.DataFrame", settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was searched, and what the best trials have of it: a row a hyper-parameter."""
    best = top(ranking, settings["report"]["best"])
    rows = []
    for name, spec in settings["search"]["space"].items():
        found = best[name].dropna().tolist() if name in best else []
        rows.append({"name": name, "spec": spec, "found": _found(found, spec)})
    return rows


def _found(values: Sequence[Any], spec: Mapping[str, Any]) -> list[Any]:
    """The least and the greatest of numbers, or how often each option: [["sgd", 2], ["adam", 1]]."""
    if not values:
        return []
    if "options" not in spec:
        return [min(values), max(values)]
    texts = [short(value) for value in values]
    return [[option, texts.count(option)] for option in map(short, spec["options"]) if option in texts]


def _surface(ranking: "pd.DataFrame", settings: Mapping[str, Any]) -> bool:
    """Whether the figure of the search shows what a model expects: a number to draw it over, and a score."""
    search = settings["search"]
    numeric = "options" not in search["space"][map_axes(ranking, search["space"])[0]]
    return search["method"] == "bayes" and numeric and not top(ranking, 1).empty


def as_yaml(settings: Mapping[str, Any]) -> str:
    """The settings in the shape of params.yaml; values that the search replaces are marked."""
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
    return "\n".join(lines)


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


# The layout.


def tidy(text: str, width: int | None) -> str:
    """Markdown that reads well as plain text too, whatever lines the template had.

    Paragraphs are wrapped at `width` columns. None: each becomes one line, as Japanese needs it, where a line
    break would show as a space. The columns of tables stand straight. Code is left as it is.
    """
    blocks = []
    for part in re.split(r"^(```.*?^```)$", text, flags=re.M | re.S):
        if part.startswith("```"):
            blocks.append(part)
        else:
            blocks += [_block(block.strip(), width) for block in re.split(r"\n\s*\n", part) if block.strip()]
    return "\n\n".join(blocks) + "\n"


def _block(block: str, width: int | None) -> str:
    if block.startswith("|"):
        return _table(block.splitlines())
    if block.startswith(("#", "- ", "[!")):
        return block
    if width is None:
        return "".join(line.strip() for line in block.splitlines())
    return textwrap.fill(" ".join(block.split()), width, break_long_words=False, break_on_hyphens=False)


def _table(lines: Sequence[str]) -> str:
    """A Markdown table whose columns also stand straight in plain text, numbers to the right."""
    head, _, *rows = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    columns = []
    for title_, *cells in zip(head, *rows, strict=True):
        right = all(re.match(r"[\d–]", cell) for cell in cells)
        width = max(3, *map(columns_of, (title_, *cells)))
        rule = "-" * (width - 1) + ":" if right else "-" * width
        blanks = [" " * (width - columns_of(cell)) for cell in (title_, *cells)]
        first, *rest = [
            blank + cell if right else cell + blank
            for blank, cell in zip(blanks, (title_, *cells), strict=True)
        ]
        columns.append([first, rule, *rest])
    return "\n".join(f"| {' | '.join(line)} |" for line in zip(*columns, strict=True))


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes: a Japanese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
