# From the data of the problem to the rows that a trial trains on and those that score it.
# needs: the files under problems/ that the problem reads, and what it downloads
# makes: data/raw, data/prepared, data/held_out (which no rule of the search reads), data/split
# Inputs are ancient(): a file's name is a digest of what determines it, so a newer time stamp means nothing.
# Outputs are update(): Snakemake must not delete them first, because another run may be reading them. The scripts
# replace them in one step.


rule download:
    """Get all rows of the problem, from files whose digests are pinned or part of the output's name."""
    input:
        ancient(paths.data_files),
        graph.repair_notes(paths.raw.path),
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
    """The rows that the search uses, and separately the held-out rows, as numbers."""
    input:
        ancient(paths.raw.path),
        graph.repair_notes(paths.prepared.path, paths.held_out.path),
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
    """Shuffle the rows with a seed. The first ones are for validation."""
    input:
        ancient(paths.prepared.path),
        graph.repair_notes(paths.split.path),
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
