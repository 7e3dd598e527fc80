# From the records to the committed report.
# needs: results/plan, results/trials, results/replicates, results/baseline
# makes: results/table, results/ranking, reports/, results/best.npz, and the manifests that vouch for what has
# no seal of its own (results/manifests)


rule aggregate:
    """Every record, checked, in one table."""
    input:
        ancient(paths.plan.path),
        ancient(paths.split.path),
        [ancient(each.path) for each in paths.rounds],
        [ancient(record) for record in paths.records()],
        repairs.before(paths.table.path),
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
    """Trials by validation accuracy, ties in trial order; what the search found, and what survived, in tables."""
    input:
        ancient(paths.table.path),
        ancient(paths.held_out.path),
        ancient(paths.baseline.path),
        [ancient(each.path) for each in paths.replicates],
        repairs.before(paths.ranked.path, paths.full_ranking.path),
    output:
        update(
            [
                *shown(PUBLISHED_TABLES),
                paths.ranked.path,
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
    """The best trial's network, trained once more to keep its weights: results/best.npz."""
    input:
        ancient(paths.table.path),
        ancient(paths.split.path),
        repairs.before(paths.weighted.path),
    output:
        update(paths.weighted.path),
    log:
        "logs/weights.log",
    benchmark:
        "benchmarks/weights.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/weights.py 2> {log}"


rule render:
    """The figures and the page that shows them."""
    input:
        ancient(paths.table.path),
        ancient(paths.held_out.path),
        ancient(paths.baseline.path),
        [ancient(each.path) for each in paths.replicates],
        repairs.before(paths.rendered.path),
    output:
        update([*shown(PUBLISHED_PAGES), paths.rendered.path]),
    log:
        "logs/render.log",
    benchmark:
        "benchmarks/render.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/render.py 2> {log}"
