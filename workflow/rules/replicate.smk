# Trains the best trials of the search again, and a linear model for comparison.
# needs: data/prepared, data/held_out, results/table
# makes: results/replicates (one file per replicate), results/baseline


rule replicate:
    """Restore a replicate from the cache, or train it. As for trials, a process continues with the next ones,
    whose jobs then find them ready."""
    input:
        ancient(paths.prepared.path),
        ancient(paths.held_out.path),
        ancient(paths.table.path),
        lambda wildcards: graph.repair_notes(
            Path(f"results/replicates/{wildcards.name}.json"),
            Path(f"results/ready/{wildcards.name}.json"),
        ),
    output:
        update("results/replicates/{name}.json"),
    log:
        "logs/replicate/{name}.log",
    wildcard_constraints:
        name=r"\d+-\d+-[0-9a-f]+",
    priority: 1  # before the rest of the report, which needs replicates or takes little time
    group:
        lambda wildcards: paths.table.path.stem
    resources:
        mem_mb=500,
    shell:
        "mv results/ready/{wildcards.name}.json {output} 2> /dev/null || exec"
        " python workflow/scripts/replicate.py {wildcards.name} 2> {log}"


rule baseline:
    """Fit a linear model to the same rows."""
    input:
        ancient(paths.prepared.path),
        ancient(paths.held_out.path),
        graph.repair_notes(paths.baseline.path),
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
