"""The pipeline's steps, one function each, under the name of the rule, the stage and the script that run it.

Each takes the layout, reads what an earlier step wrote, and writes its own; `say` gets a line for a person
now and then. What one step alone needs is imported inside it: a process pays for its own start-up only.
(The step `trial` is `zdl.store.obtain`, which hardly imports anything.)
"""

import hashlib
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from zdl import dataset, mnist, store
from zdl.files import digest, read_json, read_npz, sealed_json, sealed_npz, write
from zdl.kinds import is_record
from zdl.layout import RANKED, RENDERED, WEIGHTS, Layout
from zdl.plan import lines, table
from zdl.samplers import sampler
from zdl.settings import notes

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]


def download(layout: Layout, say: Say) -> None:
    """MNIST's leading images and the held-out ones: the same bytes from every source."""
    source, folder = layout.settings["data"]["source"], os.environ.get("ZDL_MNIST_DIR")
    images = mnist.load(source, layout.leading, folder=folder, report=say)
    write(layout.raw.path, sealed_npz(images._asdict(), layout.raw.digest), alone=True)


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
    data = hashlib.sha256(b"".join(images[name].tobytes() for name in sorted(images))).hexdigest()
    contents = {"digest": layout.table.digest, "data": data, "trials": rows}
    write(layout.table.path, sealed_json(contents), alone=True)


def confirmation(layout: Layout, say: Say, name: str) -> None:
    """One of the best trials trained again, as often as `confirm.repeats` says."""
    from zdl import ranking, repeats

    rank, file = layout.confirmation(name)
    best = ranking.top(ranking.rank(read_json(*layout.table)), rank)["trial"].tolist()
    number = best[rank - 1] if rank <= len(best) else None
    trial = next((trial for trial in layout.known() if trial.number == number), None)
    repeats.stock()
    repeats.confirm(trial, layout.again(trial) if trial else [], file)


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
    """The ranking, the learning curves of the best, and the metrics."""
    from zdl import ranking

    frame, curves, metrics = _ranked(layout)
    files = {
        "ranking.csv": ranking.csv(frame),
        "curves.csv": ranking.csv(curves),
        "metrics.json": json.dumps(metrics, indent=2, allow_nan=False) + "\n",
    }
    store.publish(layout.ranked, {path: files[path.name].encode() for path in RANKED})
    say("\n".join(ranking.best_lines(frame)))


def weights(layout: Layout, say: Say) -> None:
    """The weights of the best trial, which is trained once more for them: `zdl.network.predict` reads digits
    with them. (Their last bits differ between processors, so neither engine's lock knows of them.)"""
    from zdl import ranking
    from zdl.trial import describe, train

    best = ranking.top(_ranked(layout)[0], 1)
    if best.empty:
        say("no trial finished: there are no weights to keep")
        WEIGHTS.unlink(missing_ok=True)
        store.publish(layout.weighted, {})
        return
    trial = next(trial for trial in layout.trials.values() if trial.number == best["trial"].item())
    network, history = train(trial, read_npz(*layout.split))
    if not digest(describe(history)).startswith(best["result"].item()):
        say(f"note: trial {trial.number} came out otherwise than in its record, on another kind of processor")
    store.publish(layout.weighted, {WEIGHTS: network.to_bytes()})


def render(layout: Layout, say: Say) -> None:
    """The figures, and the page that shows them."""
    from zdl import figures, ranking, report
    from zdl.rounds import history
    from zdl.surface import surface

    frame, curves, metrics = _ranked(layout)
    outcomes = read_json(*layout.table)
    facts = {"data": outcomes["data"], "numpy": np.__version__}
    best20 = figures.best20(curves, frame)
    search, best = layout.settings["search"], layout.settings["report"]["best"]
    space = search["space"]
    if search["method"] == "bayes":
        seen = history(*zip(*((row["point"], row["outcome"]) for row in outcomes["trials"]), strict=True))
        expected = surface(search, seen, *ranking.map_axes(frame, space))
        whole = figures.surface_map(frame, space, expected, search["batch"], best)
    elif search["method"] == "grid":
        whole = figures.heat_map(frame, space, best)
    else:
        whole = figures.search_map(frame, space, best)
    pages = report.pages(frame, metrics, layout.settings, facts)
    files = {
        **{name: text.encode() for name, text in pages.items()},
        "best20.png": figures.png(best20),
        "best20.svg": figures.svg(best20),
        "search.png": figures.png(whole),
        "search.svg": figures.svg(whole),
    }
    store.publish(layout.rendered, {path: files[path.name] for path in RENDERED})


def _ranked(layout: Layout) -> tuple["pd.DataFrame", "pd.DataFrame", dict[str, dict[str, Any]]]:
    """The ranking, the curves of the best, and the metrics. Each step finds them anew in the table, and not
    in what `rank` published: that is for people, who may edit it, and a rival run may be replacing it."""
    from zdl import ranking

    best, names = layout.settings["report"]["best"], layout.settings["search"]["space"]
    outcomes = read_json(*layout.table)
    frame = ranking.rank(outcomes, names)
    return frame, ranking.curves(outcomes, frame, best), ranking.metrics(outcomes, frame, best)
