"""Stage `replicates`: Snakemake has the best trials trained again; then exactly their files are there."""

from adapter import alone, one_line
from zdl.artifacts.io import read
from zdl.pipeline import cache
from zdl.pipeline.paths import Paths

with one_line(), alone() as snakemake:
    wanted = Paths.of("params.yaml").replicates
    cache.keep_only_replicates(file.path for file in wanted)
    code = snakemake("replicates")
    for file in wanted:
        read(file)
raise SystemExit(code)
