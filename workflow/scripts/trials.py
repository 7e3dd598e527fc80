"""Stage `trials`: Snakemake makes the records that are missing; then exactly today's are there, whole."""

from adapter import alone, one_line
from zdl import Error
from zdl.pipeline import cache
from zdl.pipeline.paths import Paths

with one_line(), alone() as snakemake:
    paths = Paths.of("params.yaml")
    cache.keep_only([*paths.records(), *(its.path for its in paths.rounds)])
    code = snakemake("trials")
    paths = Paths.of("params.yaml")  # which by now knows all trials of a search that learns
    lost = [*cache.missing(paths.trials.values()), *paths.records(paths.names[len(paths.trials) :])]
    if lost:
        raise Error(f"{len(lost)} of {len(paths.names)} records are missing or damaged, {lost[0]} the first")
raise SystemExit(code)
