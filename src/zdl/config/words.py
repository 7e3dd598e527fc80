"""What the report says of a problem, in English and in Japanese: its own words, and these for all else.

data          what was trained on: "MNIST's first 500 images" (None: so many rows of the problem)
row, class    what a row is called, and what it is to be recognised as
counter       in Japanese, what rows are counted by
model, verb   what is trained, and what it does to rows: ["recognises", "recognise"]
accuracy      the share that is answered correctly (another score goes by its own name)
trained_with  the values that all trials have in common
length        how many updates a training is: "50 epochs are 200 updates"
last          what *final* is, if not just the accuracy at the end
held_out      what the held-out rows are
anew          what a replicate draws anew, beside the split
remark        on the result
machines      what is the same on every machine, and what is not
credit        whose the data are
titles        of the hyper-parameters, by their names
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
    """The words of a problem, complete."""
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
    """The values that are not searched, of what plays a part in some trial."""
    values, declarations = shared(settings), problem.hyperparameters
    texts = [
        f"{each.title[language]} {values[name]}" for name, each in declarations.items() if name in values
    ]
    return ", ".join(texts) if language == 0 else "、".join(texts)
