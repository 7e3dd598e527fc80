# From the records to the committed report.
# needs: results/plan, results/trials, results/replicates, results/baseline
# makes: results/table, results/ranking, reports/, results/best.npz, and manifests with the checksums of the files
# that have none of their own (results/manifests)


rule aggregate:
    """All records, checked, in one table."""
    input:
        ancient(paths.plan.path),
        ancient(paths.split.path),
        [ancient(paths.round_path(place)) for place in paths.rounds],
        [ancient(record) for record in paths.records()],
        graph.repaired(paths.table.path),
    output:
        update(paths.table.path),
    log:
        "logs/aggregate.log",
    benchmark:
        "benchmarks/aggregate.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/aggregate.py 2> {log}"


rule rank:
    """The tables of the report; trials are ranked by validation accuracy, ties in trial order."""
    input:
        ancient(paths.table.path),
        ancient(paths.held_out.path),
        ancient(paths.baseline.path),
        [ancient(each.path) for each in paths.replicates],
        graph.repaired(paths.rank_manifest.path, paths.full_ranking.path),
    output:
        update(
            [
                *shown(PUBLISHED_TABLES),
                paths.rank_manifest.path,
                *paths.full_ranking.published.values(),
                paths.full_ranking.path,
            ]
        ),
    log:
        "logs/rank.log",
    benchmark:
        "benchmarks/rank.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/rank.py 2> {log}"


rule weights:
    """The weights of the best trial, which is trained once more for them: results/best.npz."""
    input:
        ancient(paths.table.path),
        ancient(paths.split.path),
        graph.repaired(paths.weights_manifest.path),
    output:
        update([WEIGHTS, paths.weights_manifest.path]),
    log:
        "logs/weights.log",
    benchmark:
        "benchmarks/weights.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/weights.py 2> {log}"


rule render:
    """The figures and the pages of the report."""
    input:
        ancient(paths.table.path),
        ancient(paths.held_out.path),
        ancient(paths.baseline.path),
        [ancient(each.path) for each in paths.replicates],
        graph.repaired(paths.render_manifest.path),
    output:
        update([*shown(PUBLISHED_PAGES), paths.render_manifest.path]),
    log:
        "logs/render.log",
    benchmark:
        "benchmarks/render.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/render.py 2> {log}"
