"""The words that the report uses for a problem, in English and in Japanese.

They are those of the problem's function `words`, and the defaults here for the rest:

data          what was trained on: "MNIST's first 500 images" (None: the number of rows)
row, class    what a row is called, and what a class is called
counter       the Japanese counter for rows
model, verb   what is trained, and what it does to rows: ["recognises", "recognise"]
accuracy      the share of correct answers (another score has a name of its own)
trained_with  the values that all trials have in common
length        how many updates a training has: "50 epochs are 200 updates"
last          what *final* means, if it is not just the accuracy at the end
held_out      what the held-out rows are
anew          what a replicate draws again, besides the split
remark        a remark on the result
machines      what is the same on every machine, and what is not
credit        who made the data
titles        the titles of the hyper-parameters, by name
"""

from collections.abc import Mapping
from typing import Any

from zdl.config.problem import Problem
from zdl.config.space import shared

BLANK = dict.fromkeys(("data", "length", "last", "held_out", "remark", "credit"))
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "en": BLANK
    | {
        "row": "row",
        "class": "class",
        "model": "model",
        "accuracy": "accuracy",
        "verb": ["identifies", "identify"],
        "anew": "other random numbers",
        "machines": "Another version of a library that trains makes all trials anew. Another processor does "
        "not, but may give other results: `make check FULL=1` trains everything again and compares.",
    },
    "ja": BLANK
    | {
        "row": "データ",
        "counter": "件",
        "class": "クラス",
        "model": "モデル",
        "accuracy": "正解率",
        "verb": "分類",
        "anew": "乱数",
        "machines": "学習に使うライブラリのバージョンが変わると、すべての試行が学習し直されます。"
        "プロセッサが変わっても学習し直されませんが、結果が異なることはあります"
        "（`make check FULL=1`で、すべてを学習し直して比べられます）。",
    },
}


def wording(problem: Problem, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """All words of a problem, by language."""
    own = problem.get("words", lambda settings: {})(settings)
    score = {} if problem.score.counts else {"accuracy": problem.score.title}
    return {
        language: {
            "name": problem.name,
            **defaults,
            "titles": {name: each.title[place] for name, each in problem.hyperparameters.items()},
            "trained_with": _values(problem, settings, place),
            **own.get(language, {}),
            **score,
        }
        for place, (language, defaults) in enumerate(DEFAULTS.items())
    }


def _values(problem: Problem, settings: Mapping[str, Any], language: int) -> str:
    """A list of the values that are not searched and play a part in some trial."""
    values, declarations = shared(settings), problem.hyperparameters
    texts = [
        f"{each.title[language]} {values[name]}" for name, each in declarations.items() if name in values
    ]
    return ", ".join(texts) if language == 0 else "、".join(texts)
