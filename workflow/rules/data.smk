# From MNIST to the images that a trial trains on and those that score it.
# needs: nothing but the sources named by data.source
# makes: data/raw, data/prepared, data/held_out (for no rule of the search), data/split
# Inputs are ancient(): a name is a digest of what the file holds, so a newer time stamp means nothing.
# Outputs are update(): they are replaced in one step, and not deleted before, for another run may be reading.


rule download:
    """MNIST's leading images and the held-out ones, checked against pinned digests."""
    input:
        graph.repaired(paths.raw.path),
    output:
        update(paths.raw.path),
    log:
        "logs/download.log",
    benchmark:
        "benchmarks/download.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/download.py 2>&1 | tee {log} >&2"


rule prepare:
    """Pixels as numbers in [0, 1]: the subsample, and the held-out images apart from it."""
    input:
        ancient(paths.raw.path),
        graph.repaired(paths.prepared.path, paths.held_out.path),
    output:
        update([paths.prepared.path, paths.held_out.path]),
    log:
        "logs/prepare.log",
    benchmark:
        "benchmarks/prepare.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/prepare.py 2> {log}"


rule split:
    """A seeded shuffle; the first share of it is for validation."""
    input:
        ancient(paths.prepared.path),
        graph.repaired(paths.split.path),
    output:
        update(paths.split.path),
    log:
        "logs/split.log",
    benchmark:
        "benchmarks/split.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/split.py 2> {log}"
