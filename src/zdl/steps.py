"""The pipeline's steps, one function each, under the name of the rule, the stage and the script that run it.

Each takes the layout, reads what an earlier step wrote, and writes its own; `say` gets a line for a person
now and then. What one step alone needs is imported inside it: a process pays for its own start-up only.
(The step `trial` is `zdl.store.obtain`, which hardly imports anything.)
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zdl import dataset, mnist, store
from zdl.files import digest, read_json, read_npz, sealed_json, sealed_npz, write
from zdl.kinds import SHAPE, check_raw, is_record
from zdl.layout import RANKED, RENDERED, TABLES, WEIGHTS, Layout
from zdl.plan import lines, table
from zdl.samplers import sampler
from zdl.settings import notes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Say = Callable[[str], None]


def download(layout: Layout, say: Say) -> None:
    """MNIST's leading images and the held-out ones: the same bytes from every source."""
    source, folder = layout.settings["data"]["source"], os.environ.get("ZDL_MNIST_DIR")
    images = mnist.load(source, layout.leading, folder=folder, report=say)._asdict()
    check_raw(images)
    write(layout.raw.path, sealed_npz(images, layout.raw.digest), alone=True)


def prepare(layout: Layout, say: Say) -> None:
    """Pixels as numbers in [0, 1]: those that the search uses, and the held-out ones apart from them."""
    raw = mnist.Images(**read_npz(*layout.raw))
    for file, x, t, count in (
        (layout.prepared, raw.x, raw.t, layout.settings["data"]["subsample"]),
        (layout.held_out, raw.x_held_out, raw.t_held_out, None),
    ):
        pixels, labels = dataset.prepare(x, t, count)
        write(file.path, sealed_npz({"x": pixels, "t": labels}, file.digest), alone=True)


def split(layout: Layout, say: Say) -> None:
    """A seeded shuffle of the prepared images; the first share of them is for validation."""
    images = read_npz(*layout.prepared)
    parts = dataset.split(images["x"], images["t"], **layout.settings["split"])
    write(layout.split.path, sealed_npz(parts._asdict(), layout.split.digest), alone=True)


def plan(layout: Layout, say: Say) -> None:
    """Every trial of the search, before any of them runs; of one that learns, the first round's points."""
    for note in notes(layout.settings):
        say(f"note: {note}")
    contents = {"digest": layout.plan.digest, **lines(layout.first, layout.names[len(layout.first) :])}
    write(layout.plan.path, sealed_json(contents), alone=True)


def propose(layout: Layout, say: Say, name: str) -> None:
    """The points of a round of a search that learns, from what came of all trials before it."""
    from zdl.rounds import history

    its, search = layout.round(name), layout.settings["search"]
    earlier = layout.known(its.start)
    outcomes = (read_json(trial.record, trial.digest, is_record)["outcome"] for trial in earlier)
    seen = history((trial.point for trial in earlier), outcomes)
    proposed = sampler(search).propose(seen, search["batch"])
    trials = its.trials((point for point, _ in proposed), earlier)
    with store.settled():
        write(its.path, sealed_json(its.contents(trials, digest(seen))))


def aggregate(layout: Layout, say: Say) -> None:
    """What became of every trial, in one table; the images' own digest beside it."""
    trials = layout.known()
    rows = table(trials, (read_json(trial.record, trial.digest, is_record) for trial in trials))
    images = read_npz(*layout.split)
    contents = {"digest": layout.table.digest, "data": _sum(images), "trials": rows}
    write(layout.table.path, sealed_json(contents), alone=True)


def _sum(images: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of the images and labels themselves, whatever file they lie in."""
    return hashlib.sha256(b"".join(images[name].tobytes() for name in sorted(images))).hexdigest()


def confirmation(layout: Layout, say: Say, name: str) -> None:
    """One of the best trials trained again, as often as `confirm.repeats` says."""
    from zdl import confirm

    rank, file = layout.confirmation(name)
    best = layout.best(rank)
    trial = best[rank - 1] if rank <= len(best) else None
    repeated = layout.again(trial) if trial else []
    if not all(repeat.record.exists() for repeat in repeated):
        confirm.stock()
    confirm.make(trial, repeated, file)


def baseline(layout: Layout, say: Say) -> None:
    """What a linear model makes of the search's split, and of the split of each repeat."""
    from zdl.baseline import linear
    from zdl.repeats import redraw

    held_out = read_npz(*layout.held_out)
    contents = {
        "digest": layout.baseline.digest,
        "search": linear(dataset.Split(**read_npz(*layout.split)), held_out),
        "repeats": [linear(redraw(**split), held_out) for split in layout.redrawn],
    }
    write(layout.baseline.path, sealed_json(contents), alone=True)


def rank(layout: Layout, say: Say) -> None:
    """What the search found and what survived, in tables; and in a few numbers."""
    from zdl import ranking

    found = _found(layout)
    store.publish(layout.whole_receipt, {layout.whole: ranking.csv(found.ranking).encode()}, alone=True)
    tables = {name: getattr(found, name) for name in TABLES}
    tables["ranking"] = found.ranking.head(ranking.PUBLISHED)
    texts = {f"{name}.csv": ranking.csv(frame) for name, frame in tables.items()}
    for name, values in (("metrics", found.metrics), ("made_from", found.made_from)):
        texts[f"{name}.json"] = json.dumps(values, indent=2, allow_nan=False) + "\n"
    store.publish(layout.ranked, {path: texts[path.name].encode() for path in RANKED})
    say("\n".join(ranking.best_lines(found.ranking, layout.settings["report"]["best"])))


def weights(layout: Layout, say: Say) -> None:
    """The weights of the best trial, which is trained once more for them: `zdl.network.predict` reads digits
    with them. (Their last bits differ between processors, so neither engine's lock knows of them.)"""
    from zdl.trial import describe, train

    best = layout.best(1)
    if not best:
        say("no trial finished: there are no weights to keep")
        WEIGHTS.unlink(missing_ok=True)
        store.publish(layout.weighted, {})
        return
    (trial,) = best
    network, history = train(trial, read_npz(*layout.split))
    results = {row["trial"]: row["result"] for row in read_json(*layout.table)["trials"]}
    if digest(describe(history)) != results[trial.number]:
        say(f"note: trial {trial.number} came out otherwise than in its record, on another kind of processor")
    store.publish_weights(layout.weighted, WEIGHTS, network.to_bytes())


def render(layout: Layout, say: Say) -> None:
    """The figures, and the pages that show them."""
    from zdl import advice, confirmation, figures, report

    found, settings = _found(layout), layout.settings
    held_out = found.held_out
    survivor = confirmation.survivor(found.confirmed)
    confusion = confirmation.confusion(found.files, survivor, held_out["t"])
    mistakes = confirmation.mistakes(found.files, survivor, held_out["t"])
    mistaken = held_out["x"][mistakes["image"].tolist()].reshape(len(mistakes), *SHAPE)
    again = confirmation.again(found.files, found.ranking, held_out["t"])
    curves = confirmation.curves(found.files, survivor)
    drawn = {
        "best20": figures.best20(found.curves, found.ranking),
        "search": _search(found, settings),
        "slices": figures.slices(found.ranking, settings["search"]["space"], settings["report"]["best"]),
        "budget": figures.budget(found.budget),
        "confirmed": figures.confirmed(found.confirmed, again, curves, found.baseline),
        "mistakes": figures.mistakes(confusion, mistakes, mistaken, survivor, layout.words["en"]["class"]),
    }
    kept = {
        which: advice.kept(
            settings, advice.following(settings, found.space, which), layout.first, layout.split.digest
        )
        for which in ("wider", "next")
    }
    told = report.Findings(
        leaders=found.leaders,
        contenders=found.contenders,
        budget=found.budget,
        space=found.space,
        kept=kept,
        held_out=len(held_out["t"]),
        guess=float(np.bincount(held_out["t"]).max() / len(held_out["t"])),
        confirmed=found.confirmed,
        survivor=survivor,
        rivals=confirmation.rivals(found.files, survivor, held_out["t"]),
        confusion=confusion,
        baseline=found.baseline,
        beside=confirmation.beside_linear(found.files, survivor, held_out["t"], found.linear),
    )
    pages = report.pages(found.ranking, found.metrics, settings, told, found.made_from, words=layout.words)
    files = {
        **{name: text.encode() for name, text in pages.items()},
        **{f"{name}.png": figures.png(figure) for name, figure in drawn.items()},
        **{f"{name}.svg": figures.svg(figure) for name, figure in drawn.items()},
    }
    store.publish(layout.rendered, {path: files[path.name] for path in RENDERED})


def _search(found: "Found", settings: Mapping[str, Any]) -> "Figure":
    """The figure of the whole search, over the two hyper-parameters that matter most: a grid's cells, or
    dots over what a model of the scores expects between them."""
    from zdl import figures, ranking
    from zdl.rounds import history
    from zdl.surface import MODELLED, surface

    search, best, space = settings["search"], settings["report"]["best"], settings["search"]["space"]
    if search["method"] == "grid":
        return figures.heat_map(found.ranking, space, best)
    names = ranking.important_axes(found.ranking, space, found.space)
    seen = history(*zip(*((row["point"], row["outcome"]) for row in found.trials), strict=True))
    if search["method"] == "bayes":
        expected = surface(search, seen, *names)
        return figures.surface_map(found.ranking, space, expected, search["batch"], best, names=names)
    expected = surface(search, seen[:MODELLED], *names)
    return figures.search_map(found.ranking, space, best, expected=expected, names=names)


class Found(NamedTuple):
    """What a search found, and what survived."""

    made_from: dict[str, str]  # what decided the numbers, besides the settings
    held_out: Mapping[str, NDArray[Any]]  # images x and their labels t
    trials: list[dict[str, Any]]  # each with its point and outcome
    files: list[dict[str, Any]]  # of the repeats of the best
    ranking: "pd.DataFrame"
    curves: "pd.DataFrame"
    leaders: "pd.DataFrame"
    contenders: list[int]
    space: "pd.DataFrame"
    budget: "pd.DataFrame"
    confirmed: "pd.DataFrame"
    linear: dict[str, Any]  # what linear models make of the same images
    baseline: dict[str, float]  # that as a table has it
    metrics: dict[str, Any]


def _found(layout: Layout) -> Found:
    """All tables of the report. Each step finds them anew in the records, and not in what `rank` published:
    that is for people, who may edit it, and a rival run may be replacing it."""
    from zdl import advice, confirmation, findings, ranking
    from zdl.space import stream

    settings, best = layout.settings, layout.settings["report"]["best"]
    table, files = read_json(*layout.table), [read_json(*file) for file in layout.confirmed]
    frame = ranking.rank(table, settings["search"]["space"])
    metrics = ranking.metrics(table, frame, best)
    held_out, images = read_npz(*layout.held_out), metrics["search"]["val_images"]
    confirmed = confirmation.confirmed(files, frame, held_out["t"], images)
    linear, contenders = read_json(*layout.baseline), findings.contenders(table, frame)
    baseline = confirmation.baseline(linear)
    rng = np.random.Generator(stream(settings["search"]["seed"], "leaders"))
    return Found(
        made_from={"data": table["data"], "held_out": _sum(held_out), "numpy": np.__version__},
        held_out=held_out,
        trials=table["trials"],
        files=files,
        ranking=frame,
        curves=ranking.curves(table, frame, best),
        leaders=findings.leaders(table, frame, best, rng),
        contenders=contenders,
        space=advice.space(frame, settings, contenders),
        budget=findings.budget(table, frame, settings),
        confirmed=confirmed,
        linear=linear,
        baseline=baseline,
        metrics=metrics | {"confirmed": confirmation.metrics(confirmed, baseline)},
    )
