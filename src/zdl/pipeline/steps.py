"""The steps of the pipeline, each a function with the name of the rule, the stage and the script that run it.

A step is a shell around a pure function (`zdl.artifacts.artifact`): it finds and checks files, passes their
bytes to the function, and writes what that returns. An intact file is left as it is. `say` gets messages for
the user. (The step `trial` is `cache.get_or_train`, which imports less.)
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zdl.analysis.best import replicated_trial
from zdl.artifacts import manifest
from zdl.artifacts.artifact import Artifact
from zdl.artifacts.io import others, read, write
from zdl.pipeline import cache, data_files, records
from zdl.pipeline.locks import rounds_lock
from zdl.pipeline.paths import PUBLISHED_TABLES, WEIGHTS, Paths
from zdl.pipeline.progress import Progress
from zdl.search.plan import notes
from zdl.search.rounds import round_file

Say = Callable[[str], None]
Handed = Callable[[], Mapping[str, Any]]  # what only the running step can pass to an artifact's function


def make(artifact: Artifact, handed: Handed = dict, exclusive: bool = True) -> None:
    """Make an artifact, unless it exists and is intact. With `exclusive`, delete all other files of its
    directory: DVC tracks the directory, so its files must depend on the current settings only."""
    records.end_future(each.path for each in artifact.inputs)
    if not is_intact(artifact):
        result = artifact.compute(**handed())
        if artifact.published:
            manifest.publish(artifact, result)
        else:
            write(artifact.path, result)
    if exclusive:
        leave_only(artifact.path)


def is_intact(artifact: Artifact) -> bool:
    """Whether an artifact exists and is intact; if it is a manifest, the same of the files that it names."""
    return manifest.is_current(artifact) if artifact.published else cache.read_if_intact(artifact) is not None


def leave_only(*paths: Path) -> None:
    """Delete all other files in the directories of these paths."""
    for folder in {path.parent for path in paths}:
        for path in others(folder, *paths):
            if not path.is_dir():  # a directory may be that of an editor
                path.unlink(missing_ok=True)


def download(paths: Paths, say: Say) -> None:
    """Get all rows of the problem. Every source gives the same bytes."""
    fetch = paths.problem.get("fetch", lambda data, say: {})

    def handed() -> dict[str, Any]:
        own = data_files.contents(paths.raw.handed["files"])
        return {"files": own | fetch(paths.settings["data"], say)}

    make(paths.raw, handed)


def prepare(paths: Paths, say: Say) -> None:
    """Make the rows that the search uses and, in another file, the held-out rows."""
    make(paths.prepared)
    make(paths.held_out)


def split(paths: Paths, say: Say) -> None:
    """Shuffle the prepared rows with a seed. The first ones are for validation."""
    make(paths.split)


def plan(paths: Paths, say: Say) -> None:
    """List every trial before any of them runs; if the search learns, only those of the first round."""
    for note in [*notes(paths.settings), *paths.problem.get("notes", lambda settings: ())(paths.settings)]:
        say(f"note: {note}")
    make(paths.plan)
    list(paths.artifacts)  # naming every file analyses the code; the script saves the results


def propose(paths: Paths, say: Say, name: str) -> None:
    """Propose the points of a round of a search that learns, from the outcomes of all trials before it."""
    place = paths.round(name)
    earlier = Progress(paths).all_trials(place.start)
    files = [records.record(trial) for trial in earlier]
    rounds = (paths.round_path(each) for each in paths.rounds)
    records.end_future([paths.plan.path, *rounds, *(file.path for file in files)])
    contents = round_file(place, earlier, [read(file) for file in files])
    with rounds_lock():
        write(paths.round_path(place), contents)


def aggregate(paths: Paths, say: Say) -> None:
    """Collect the outcome of every trial in one table, with the digest of the rows."""
    progress = Progress(paths)
    files = [records.record(trial) for trial in progress.all_trials()]
    listings = [paths.plan, *progress.round_files()]
    records.end_future(file.path for file in (*listings, *files))

    def handed() -> dict[str, Any]:
        plan, *rounds = map(read, listings)
        return {"plan": plan, "rounds": rounds, "records": map(read, files)}

    make(paths.table, handed)


def replicate(paths: Paths, say: Say, name: str, go_on: Callable[[], bool] = bool) -> None:
    """Train one of the best trials again, then make the next replicates ready as long as `go_on` allows."""
    records.end_future([paths.prepared.path, paths.held_out.path, paths.table.path])
    progress, table, place = Progress(paths), read(paths.table), paths.place_of_replicate(name)
    progress.all_trials()  # raises an Error if the file of a round is missing

    def job_at(place: int) -> cache.Job | None:
        file, number = paths.replicates[place], place % len(paths.replicate_splits)
        if (trial := replicated_trial(table, file.given["place"], file.given["places"])) is None:
            return None
        replicate = paths.replicates_of(progress.by_number[trial])[number]
        return cache.Job(replicate, file.path, lambda record: file.compute(replicate=lambda _: record))

    if not (job := job_at(place)):
        make(paths.replicates[place], lambda: {"replicate": None}, exclusive=False)
    elif not is_intact(paths.replicates[place]):
        if not records.cached(job.trial).path.exists():
            cache.cache_replicates()
        cache.do(job)
    later = range(place + 1, len(paths.replicates))
    cache.do_ahead(filter(None, map(job_at, later)), go_on)


def baseline(paths: Paths, say: Say) -> None:
    """Fit a linear model to the split of the search and to that of each replicate."""
    make(paths.baseline)


def rank(paths: Paths, say: Say) -> None:
    """Write the tables of the report: the ranking, what follows from it, and the replicates."""
    from zdl.analysis import ranking  # only here: it imports pandas, which few steps need
    from zdl.report.book_lines import best_lines

    make(paths.full_ranking)
    leave_only(*paths.full_ranking.published.values())
    make(paths.rank_manifest)
    table = ranking.read(PUBLISHED_TABLES[0].read_text())
    score = "acc" if paths.problem.score.counts else paths.problem.score.title
    say("\n".join(best_lines(table, paths.settings["report"]["best"], score=score)))


def weights(paths: Paths, say: Say) -> None:
    """Train the best trial once more and save its weights. (Their last bits differ between processors, so
    neither engine tracks them.) `zdl.nn.weights.predict` reads digits with those of the book's network."""
    from zdl.pipeline.repair import restore_weights  # only here: it imports the samplers

    trials = {trial.number: trial for trial in Progress(paths).all_trials()}
    restore_weights(paths.weights_manifest)
    make(paths.weights_manifest, lambda: {"spec": lambda number: trials[number].spec, "say": say})
    cache.cache_weights(paths.weights_manifest, WEIGHTS)


def draw_trials(paths: Paths, say: Say) -> None:
    """Draw the figures of the trials, each as PNG and as SVG."""
    _draw(paths.trial_figures)


def draw_replicates(paths: Paths, say: Say) -> None:
    """Draw the figures of the replicates, each as PNG and as SVG."""
    _draw(paths.replicate_figures)


def _draw(figures: Sequence[Artifact]) -> None:
    for figure in figures:
        make(figure, exclusive=False)
    leave_only(*(figure.path for figure in figures))


def pages(paths: Paths, say: Say) -> None:
    """Write the pages of the report, in English and in Japanese."""
    make(paths.pages_manifest)
