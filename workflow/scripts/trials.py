"""Stage `trials`: Snakemake makes the records that are missing; then exactly today's are there, whole."""

from adapter import alone, one_line
from zdl import Error
from zdl.pipeline import cache
from zdl.pipeline.paths import Layout

with one_line(), alone() as snakemake:
    layout = Layout.of("params.yaml")
    cache.keep_only([*layout.records(), *(its.path for its in layout.rounds)])
    code = snakemake("trials")
    layout = Layout.of("params.yaml")  # which by now knows all trials of a search that learns
    lost = [*cache.missing(layout.trials.values()), *layout.records(layout.names[len(layout.trials) :])]
    if lost:
        raise Error(f"{len(lost)} of {len(layout.names)} records are missing or damaged, {lost[0]} the first")
raise SystemExit(code)
