"""The page: markup, style and scripts from the files beside this module, with the data.

It uses no library. Vega, which draws DVC's plots, takes 2 s to draw 10,000 lines and 0.2 to 0.4 s for each
move of a brush. A canvas takes 0.02 s for 2,000 lines, the most that a reader can distinguish.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zdl.analysis.outcomes import replicates_by_trial
from zdl.analysis.ranking import rank
from zdl.analysis.results import Settings
from zdl.artifacts.encoding import decode_json, decode_npz
from zdl.report.explore.payload import review_payload, search_payload
from zdl.report.sides import Side

HERE = Path(__file__).parent
SCRIPTS = ("state", "scale", "plot", "lines", "dots", "detail", "table", "main")  # in the order of loading


def search_page(
    settings: Settings,
    table: bytes,
    replicates: Sequence[bytes],
    held_out: bytes,
    words: Mapping[str, Mapping[str, Any]],
) -> bytes:
    """The page of a search, from the contents of the files of trials, replicates and held-out rows."""
    trials = decode_json(table)
    ranking = rank(trials, settings["search"]["space"])
    labels = decode_npz(held_out)["t"]
    outcomes, titles = replicates_by_trial(replicates, trials["trials"]), words["ja"]["titles"]
    return page(search_payload(settings, trials["trials"], ranking, outcomes, labels, titles=titles))


def review_page(old: Side, new: Side, curves: Sequence[bytes | None]) -> bytes:
    """The page of two revisions; `curves` are the contents of each one's reports/curves.csv."""
    return page(review_payload(old, new, curves))


def page(payload: Mapping[str, Any]) -> bytes:
    """The page that shows a payload."""
    parts = {
        "/*style*/": _text("page.css"),
        "/*words*/": _json(json.loads(_text("words.json"))),
        "/*data*/": _json(payload),
        "/*scripts*/": "\n".join(_text(f"{name}.js") for name in SCRIPTS),
    }
    text = _text("page.html")
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text.encode()


def _text(name: str) -> str:
    return (HERE / name).read_text("utf-8")


def _json(value: Any) -> str:
    """JSON for the inside of a script element, with < escaped so that nothing ends the element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace(
        "<", "\\u003c"
    )
