# Trains the best trials of the search again, and a linear model for comparison.
# needs: data/prepared, data/held_out, data/split, results/table
# makes: results/replicates (one file per best trial), results/baseline


rule replicate:
    """The replicates of one of the best trials, each restored from the cache or trained."""
    input:
        ancient(paths.prepared.path),
        ancient(paths.held_out.path),
        ancient(paths.table.path),
        lambda wildcards: graph.repaired(
            Path(f"results/replicates/{wildcards.name}.json")
        ),
    output:
        update("results/replicates/{name}.json"),
    log:
        "logs/replicate/{name}.log",
    wildcard_constraints:
        name=r"\d+-[0-9a-f]+",
    group:
        lambda wildcards: paths.table.path.stem
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/replicate.py {wildcards.name} 2> {log}"


rule baseline:
    """A linear model on the same images."""
    input:
        ancient(paths.prepared.path),
        ancient(paths.held_out.path),
        ancient(paths.split.path),
        graph.repaired(paths.baseline.path),
    output:
        update(paths.baseline.path),
    log:
        "logs/baseline.log",
    benchmark:
        "benchmarks/baseline.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/baseline.py 2> {log}"
