"""The scores in a record. A learning curve has counts of correct rows, or the scores of a `ScoreHistory`."""

from collections.abc import Mapping
from typing import Any, Literal

Part = Literal["train", "val"]


def scores(curve: Mapping[str, Any], part: Part) -> list[float]:
    """The scores at all points of a learning curve."""
    if "score" in curve:
        return list(curve[part])
    return [correct / curve[f"{part}_size"] for correct in curve[f"{part}_correct"]]


def last_score(curve: Mapping[str, Any], part: Part = "val") -> float | None:
    """The score at the last point; None if there is no point. That of the validation rows ranks the trial."""
    points = scores(curve, part)
    return points[-1] if points else None


def final_score(outcome: Mapping[str, Any]) -> float | None:
    """The score of the validation rows after the last update; None if the trial diverged."""
    final = outcome["final"]
    if final is None:
        return None
    score: float = final["val"] if "val" in final else final["val_correct"] / final["val_size"]
    return score
