"""How often what a page says is true: searches whose truth is known, analysed as any other.

    python bench/soundness.py [--quick]

Prints the table of docs/methods.md. Nothing is trained: a trial at a place of lr's range has a true
score, and recognises images by it, some of which are hard for all. A second hyper-parameter has no effect.
"""

import argparse
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from statistics import NormalDist
from typing import Any

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # read when NumPy is imported

import numpy as np

from zdl.analysis import baseline, ranking, recommendations, replication, significance, statistics
from zdl.analysis.ranges import place
from zdl.analysis.rise import rise
from zdl.config.hyperparameters import plain
from zdl.problems.book import HYPERPARAMETERS
from zdl.search.rounds import history
from zdl.search.samplers import sampler

SPACE = {
    "lr": {"distribution": "log_uniform", "low": 1e-6, "high": 1e-2},
    "weight_decay": {"distribution": "log_uniform", "low": 1e-8, "high": 1e-4},
}
IMAGES = 100
SHARED = 0.5  # of what makes an image hard, which is the same for all trials
HELD_OUT, SPLITS = 1000, 10
BASE, SCATTER = 0.75, 0.15  # of replicates: their accuracy, and how far the skill of each is off (in probits)
LINEAR_SCATTER = 0.02  # which is less of linear models, whose only chance is their split
GAPS, SLOPES = (0.0, 0.02, 0.05, 0.2), (0.0, 0.03)  # of the best replicated trial, and of curves
FIRST = 10_000  # the first seed: thresholds were chosen on those from 0
SEARCHES = {"random": 100, "random, 30 trials": 30, "halton": 100, "grid": 100, "bayes": 60}

Claim = tuple[str, bool]  # a sentence, and whether it is true
Tally = dict[str, Counter[bool]]
# The true score at a place of the range, None where a trial diverges; and where the best is, if anywhere
Truth = tuple[Callable[[float], float | None], float | None]
TRUTHS: dict[str, Truth] = {
    "a peak inside": (lambda at: 0.1 + 0.75 * float(np.exp(-(((at - 0.5) / 0.15) ** 2))), 0.5),
    "a peak near the end": (lambda at: 0.1 + 0.75 * float(np.exp(-(((at - 0.85) / 0.1) ** 2))), 0.85),
    "a peak by the end": (lambda at: 0.1 + 0.75 * float(np.exp(-(((at - 0.93) / 0.05) ** 2))), 0.93),
    "a rise to the end": (lambda at: 0.1 + 0.7 * at, 1.0),
    "a steep rise": (lambda at: 0.1 + 0.7 * at**6, 1.0),
    "a plateau": (lambda at: 0.1 + 0.7 * min(1.0, at / 0.6), None),
    "divergence beyond": (lambda at: 0.1 + 0.7 * at if at < 0.92 else None, 0.92),
    "equal trials": (lambda at: 0.75, None),
}


def settings(search: str, seed: int) -> dict[str, Any]:
    method = search.split(",", maxsplit=1)[0]
    space = {name: {**spec, "points": 10} if method == "grid" else spec for name, spec in SPACE.items()}
    drawing = {"method": method, "trials": SEARCHES[search], "batch": 10, "seed": seed, "space": space}
    model = {"hidden_width": 100, "hidden_depth": 6, "activation": "relu", "weight_init": "relu"}
    training = {"epochs": 50, "batch_size": 100, "optimizer": "sgd", "lr": 0.01, "weight_decay": 0.0}
    others = {"momentum": 0.9, "decay_rate": 0.99, "beta1": 0.9, "beta2": 0.999}
    return {
        "problem": "book",
        "split": {"seed": seed},
        "model": model,
        "training": {**training, **others, "evaluate_samples": None, "dtype": "float64"},
        "search": {**drawing, "hyperparameters": plain(HYPERPARAMETERS)},
    }


def search_table(config: dict[str, Any], truth: Callable[[float], float | None], seed: int) -> dict[str, Any]:
    """The table of a search, as its trials would have made it."""
    rng = np.random.default_rng(seed)
    hard = rng.standard_normal(IMAGES)
    method, rows, past = sampler(config["search"]), [], []
    while len(rows) < config["search"]["trials"]:
        for proposal in method.propose(past, config["search"]["trials"] - len(rows)):
            share = truth(place(config["search"]["space"]["lr"], proposal.point["lr"]))
            rows.append(row(len(rows), proposal.point, share, hard, rng))
        past = history([each["point"] for each in rows], [each["outcome"] for each in rows])
    return {"trials": rows}


def row(
    number: int, point: dict[str, Any], share: float | None, hard: np.ndarray, rng: np.random.Generator
) -> dict[str, Any]:
    own = rng.standard_normal(IMAGES)
    effort = np.sqrt(SHARED) * hard + np.sqrt(1 - SHARED) * own
    hits = effort < NormalDist().inv_cdf(0.1 if share is None else share)
    correct = [int(hits.sum())]
    curve = {"train_correct": correct, "train_size": IMAGES, "val_correct": correct, "val_size": IMAGES}
    curve["val_hits"] = np.packbits(hits).tobytes().hex()
    final = None if share is None else {"val_correct": correct[0], "val_size": IMAGES}
    outcome = {"status": "diverged" if share is None else "finished", "curve": curve, "final": final}
    return {"trial": number, "key": "", "point": point, "outcome": outcome, "result": "0" * 12}


def claims(search: str, name: str, seed: int) -> Iterator[Claim]:
    """What a page says of the ranges of a search."""
    truth, best = TRUTHS[name]
    config = settings(search, seed)
    table = search_table(config, truth, seed)
    frame = ranking.rank(table, config["search"]["space"])
    past = history(*([row[part] for row in table["trials"]] for part in ("point", "outcome")))
    contenders = significance.contenders(table, frame)
    for each in recommendations.space(frame, config, contenders, past).to_dict("records"):
        spec = config["search"]["space"][each["name"]]
        at = best if each["name"] == "lr" else None
        for end, ending in (("low", 0.0), ("high", 1.0)):
            state = each[f"{end}_end"]
            if state == "clear":
                yield "an end is clear", at != ending
            if state == "falls":
                yield "wide enough", at is not None and at != ending
        if each["advice"]:
            yield "widen it, as better ones *may* lie beyond", at == (1.0 if each["advice"] == "up" else 0.0)
        if each["effect"]:
            yield "it has an effect", each["name"] == "lr" and name != "equal trials"
        cut = [place(spec, each[f"next_{end}"]) for end in ("low", "high")]
        if cut != [0.0, 1.0]:
            yield "it can be narrowed", at is None or _keeps(truth, cut, at)
    if config["search"]["method"] == "random" and name == "equal trials":
        yield "luck brings rarely more", not _more_than_luck(table, frame, config, contenders)


def _keeps(truth: Callable[[float], float | None], cut: list[float], at: float) -> bool:
    """Whether the best in a narrower range is as good as the best, to two images."""
    inside = min(max(at, cut[0]), cut[1])
    return (truth(inside - 1e-9) or 0.0) >= (truth(at - 1e-9) or 0.0) - 2 / IMAGES


def _more_than_luck(table: Any, frame: Any, config: Any, contenders: list[int]) -> bool:
    """Whether the last doubling of equally good trials brought more than luck is said to bring."""
    expected = significance.budget(table, frame, config).set_index("trials")["expected"]
    close = frame["trial"].isin(contenders)
    gain = statistics.chance_gain_of_doubling(frame["val_acc"][close], IMAGES, frame["val_acc"][~close])
    return bool(expected[len(frame)] - expected[len(frame) // 2] > statistics.RARELY_EXCEEDED * gain)


def replicate_claims(apart: float, slope: float, seed: int) -> Iterator[Claim]:
    """What a page says of replicates of five trials. The second is better by `apart` than the others, which
    are alike, and as good as a linear model; all were the best of many; and accuracy rises by `slope` in the
    last fifth of the curves."""
    rng = np.random.default_rng(seed)
    hard = [rng.standard_normal(count) for count in (500, HELD_OUT)]
    splits = [rng.permutation(500)[:IMAGES] for _ in range(SPLITS)]
    skill = [BASE + apart * (k == 1) for k in range(5)]
    replicates = {k: [network(skill[k], slope, hard, part, rng) for part in splits] for k in range(5)}
    luckiest = sorted((rng.binomial(IMAGES, BASE, 100) / IMAGES).tolist(), reverse=True)[:5]
    frame = ranking.pd.DataFrame({"rank": range(1, 6), "epochs": 50, "trial": range(5), "val_acc": luckiest})
    t = np.zeros(HELD_OUT, np.uint8)
    of_search = [statistics.wilson(round(score * IMAGES), IMAGES) for score in luckiest]
    confirmed = replication.confirmed(replicates, frame, t, of_search.__getitem__)
    best = replication.confirmed_best(confirmed)
    rivals = replication.rivals(replicates, best, t)
    if (rivals["val"] == 1).all():
        yield "its lead is significant", apart > 0 and best == 1
    for other, sign in zip(rivals["trial"], rivals["held_out"], strict=True):
        if sign:
            yield (
                "significantly more or less, so one *may* be better",
                bool(np.sign(skill[best] - skill[other]) == sign),
            )
    linear = {
        "replicates": [fit(network(BASE, 0, hard, part, rng, scatter=LINEAR_SCATTER)) for part in splits]
    }
    margin = baseline.margin_over_linear(replicates, best, t, linear)
    sign = statistics.sign_of_difference(margin["apart"], margin["apart_low"], margin["apart_high"], SPLITS)
    if sign:
        yield "the network beats a linear model, or does not", bool(np.sign(skill[best] - BASE) == sign)
    first = confirmed.iloc[0]
    lucky = statistics.sign_of_difference(first["luck"], first["luck_low"], first["luck_high"], SPLITS)
    if lucky:
        yield "points were luck, or were not", bool(np.sign(first["val_acc"] - skill[0]) == lucky)
    result = rise(replicates)
    sign = statistics.sign_of_difference(result["rise"], result["rise_low"], result["rise_high"], SPLITS)
    if sign:
        yield "accuracy still rises, or falls", bool(np.sign(slope) == sign)


def network(
    skill: float,
    slope: float,
    hard: list[np.ndarray],
    part: np.ndarray,
    rng: np.random.Generator,
    *,
    scatter: float = SCATTER,
) -> dict[str, Any]:
    """The outcome of a network whose own skill scatters about its trial's; `hard` says which images are."""
    own = NormalDist().inv_cdf(skill) * np.sqrt(1 + scatter**2) + scatter * rng.standard_normal()
    val, held_out = (
        np.sqrt(SHARED) * each + np.sqrt(1 - SHARED) * rng.standard_normal(len(each)) < own
        for each in (hard[0][part], hard[1])
    )
    last, wander = int(val.sum()), np.round(rng.normal(0, 1, 10))
    curve = [0] * 40 + [round(last + slope * IMAGES * (k - 9) / 10 + wander[k] * (k < 9)) for k in range(10)]
    return {
        "status": "finished",
        "final": {"val_correct": last},
        "curve": {"val_correct": curve, "val_size": IMAGES, "train_correct": curve, "train_size": 400},
        "held_out": {"taken_for": (~held_out).astype(np.uint8).tobytes().hex()},
    }


def fit(outcome: dict[str, Any]) -> dict[str, Any]:
    """What the file of the linear models would have of such a network."""
    hits = np.frombuffer(bytes.fromhex(outcome["held_out"]["taken_for"]), np.uint8) == 0
    return {"held_out_hits": np.packbits(hits).tobytes().hex(), "held_out_size": len(hits)}


def tally(sentences: Iterable[Claim]) -> Tally:
    counts: Tally = defaultdict(Counter)
    for sentence, true in sentences:
        counts[sentence][true] += 1
    return counts


def share(counts: Counter[bool]) -> str:
    return f"{100 * counts[True] / counts.total():.1f} % of {counts.total():,}" if counts else "–"


def rows(columns: dict[str, Tally]) -> Iterator[str]:
    yield f"| sentence | {' | '.join(columns)} |"
    yield "| - |" + " - |" * len(columns)
    for sentence in dict.fromkeys(sentence for counts in columns.values() for sentence in counts):
        yield f"| {sentence} | {' | '.join(share(counts[sentence]) for counts in columns.values())} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the searches")
    quick = parser.parse_args().quick
    columns = {}
    for search in SEARCHES:
        seeds = range(FIRST, FIRST + (40 if search == "bayes" else 200) // (10 if quick else 1))
        columns[search] = tally(
            each for name in TRUTHS for seed in seeds for each in claims(search, name, seed)
        )
    print(*rows(columns), sep="\n", flush=True)
    pages = [
        list(replicate_claims(apart, slope, seed))
        for apart in GAPS
        for slope in SLOPES
        for seed in range(FIRST, FIRST + 100 // (10 if quick else 1))
    ]
    counts = tally(itertools.chain(*pages))
    by_page = tally((sentence, (sentence, False) not in page) for page in pages for sentence in counts)
    print("", *rows({"true, of those said": counts, "pages without a false one": by_page}), sep="\n")


if __name__ == "__main__":
    main()
