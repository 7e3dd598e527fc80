# From the records to the committed report.
# needs: results/plan, results/trials, results/replicates, results/baseline
# makes: results/table, results/ranking, reports/, results/best.npz, and manifests with the checksums of the files
# that have none of their own (results/manifests)


import json
from pathlib import Path

# For each file under reports/, by its name without the suffix: its part of the HTML report, and what it shows.
# Its caption is workflow/report/<name>.rst.
PARTS = {
    "best20": ("1 The best", "learning curves of the best trials"),
    "leaders": ("1 The best", "how certain each rank is"),
    "ranking": ("1 The best", "the trials, best first"),
    "curves": ("1 The best", "learning curves, point by point"),
    "metrics": ("1 The best", "the search in a few numbers"),
    "made_from": ("1 The best", "what determined the numbers"),
    "search": ("2 The whole search", "every trial"),
    "slices": ("2 The whole search", "each hyper-parameter by itself"),
    "space": ("2 The whole search", "where to search next"),
    "budget": ("3 How far to trust it", "the best by number of trials"),
    "confirmed": ("3 How far to trust it", "the best trials, trained again"),
    "mistakes": ("3 How far to trust it", "which images are mistaken for which"),
    "README": ("4 The page", "the report as text"),
    "README.ja": ("4 The page", "the report as text, in Japanese"),
}
KINDS = {".png": "PNG", ".svg": "SVG", ".csv": "table", ".json": "JSON", ".md": "text"}


def shown(paths):
    """Mark files for the HTML report; the mark does not change how they are made."""
    for path in paths:
        part, shows = PARTS.get(path.stem, ("5 More", path.stem))
        yield report(
            path,
            caption=f"../report/{path.stem}.rst" if path.stem in PARTS else None,
            category=part,
            labels={"shows": shows, "as": KINDS[path.suffix]},
        )


def metrics():
    """The search in a few numbers, for the first page of the HTML report."""
    return json.loads(Path("reports/metrics.json").read_text())


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
        update(paths.weights_manifest.path),
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
