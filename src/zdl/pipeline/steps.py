"""The pipeline's steps, one function each, under the name of the rule, the stage and the script that run it.

Each is the shell around a pure function (`zdl.artifacts.artifact`): it finds files, checks them, hands their
bytes on and writes what comes back, in one step. What is there and whole is left as it is. `say` gets a line
for a person now and then. (The step `trial` is `cache.get_or_train`, which hardly imports anything.)
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from zdl.artifacts.artifact import Artifact
from zdl.artifacts.io import read, write
from zdl.config.settings import notes
from zdl.data import mnist
from zdl.pipeline import cache
from zdl.pipeline.paths import PUBLISHED_TABLES, WEIGHTS, Paths
from zdl.search.rounds import proposed

Say = Callable[[str], None]
Handed = Callable[[], Mapping[str, Any]]  # gives what an artifact's function is handed


def make(artifact: Artifact, handed: Handed = dict, alone: bool = True) -> None:
    """Have an artifact in its place, whole. With `alone`, it is the only one in its directory: DVC tracks the
    directory, and what lies there must follow from today's settings."""
    cache.end_future(each.path for each in artifact.inputs)
    if not cache.is_whole(artifact):
        result = artifact.compute(**handed())
        if artifact.published:
            cache.publish(artifact, result)
        else:
            write(artifact.path, result)
    if alone:
        cache.leave_only(artifact.path)


def download(paths: Paths, say: Say) -> None:
    """MNIST's leading images and the held-out ones: the same bytes from every source."""
    source, folder = paths.settings["data"]["source"], os.environ.get("ZDL_MNIST_DIR")

    def handed() -> dict[str, Any]:
        return {"files": mnist.find(source, paths.leading, folder=folder, report=say)}

    make(paths.raw, handed)


def prepare(paths: Paths, say: Say) -> None:
    """Pixels as numbers in [0, 1]: those that the search uses, and the held-out ones apart from them."""
    make(paths.prepared)
    make(paths.held_out)


def split(paths: Paths, say: Say) -> None:
    """A seeded shuffle of the prepared images; the first share of them is for validation."""
    make(paths.split)


def plan(paths: Paths, say: Say) -> None:
    """Every trial of the search, before any of them runs; of one that learns, the first round's points."""
    for note in notes(paths.settings):
        say(f"note: {note}")
    make(paths.plan)
    list(paths.artifacts)  # names every file, so that the code is analysed once, here, and remembered


def propose(paths: Paths, say: Say, name: str) -> None:
    """The points of a round of a search that learns, from what came of all trials before it."""
    place = paths.round(name)
    earlier = paths.known(place.start)
    cache.end_future([paths.plan.path, *(each.path for each in paths.rounds), *(t.record for t in earlier)])
    contents = proposed(place, earlier, [read(trial.file) for trial in earlier])
    with cache.settled():
        write(place.path, contents)


def aggregate(paths: Paths, say: Say) -> None:
    """What became of every trial, in one table; the images' own digest beside it."""
    trials = paths.known()
    listings = [paths.plan, *paths.round_files()]
    cache.end_future([*(file.path for file in listings), *(trial.record for trial in trials)])

    def handed() -> dict[str, Any]:
        plan, *rounds = map(read, listings)
        return {"plan": plan, "rounds": rounds, "records": (read(trial.file) for trial in trials)}

    make(paths.table, handed)


def replicate(paths: Paths, say: Say, name: str) -> None:
    """One of the best trials trained again, as often as `replicate.replicates` says."""
    cache.end_future([paths.prepared.path, paths.held_out.path])

    def replicate(number: int) -> Iterator[bytes]:
        replicates = paths.replicates_of(paths.numbered[number])
        if not all(replicate.record.exists() for replicate in replicates):
            cache.cache_replicates()
        for replicate in replicates:
            cache.get_or_train(replicate)
            yield read(replicate.file)

    paths.known()  # or an Error that names what is missing
    make(paths.replicates_named(name), lambda: {"replicate": replicate}, alone=False)


def baseline(paths: Paths, say: Say) -> None:
    """What a linear model makes of the search's split, and of the split of each replicate."""
    make(paths.baseline)


def rank(paths: Paths, say: Say) -> None:
    """What the search found and what survived, in tables; and in a few numbers."""
    from zdl.analysis import (
        ranking,  # here alone, with pandas: each process starts with what its own step needs
    )

    make(paths.full_ranking)
    cache.leave_only(*paths.full_ranking.published.values())
    make(paths.ranked)
    say(
        "\n".join(
            ranking.best_lines(
                ranking.read(PUBLISHED_TABLES[0].read_text()), paths.settings["report"]["best"]
            )
        )
    )


def weights(paths: Paths, say: Say) -> None:
    """The weights of the best trial, which is trained once more for them: `zdl.analysis.weights.predict`
    reads digits with them. (Their last bits differ between processors, so neither engine's lock knows of
    them.)"""
    from zdl.pipeline import repair

    known = {trial.number: trial for trial in paths.known()}
    repair.restore_weights(paths.weighted)
    make(paths.weighted, lambda: {"spec": lambda number: known[number].spec, "say": say})
    cache.cache_weights(paths.weighted, WEIGHTS)


def render(paths: Paths, say: Say) -> None:
    """The figures, and the pages that show them."""
    make(paths.rendered)
