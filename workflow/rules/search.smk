# From the split to one record a trial.
# needs: data/split
# makes: results/plan, results/trials (and in it, of a search that learns, the rounds)


rule plan:
    """Every trial of the search: its number, its point, and all that determines its record."""
    input:
        graph.repaired(paths.plan.path),
    output:
        update(paths.plan.path),
    log:
        "logs/plan.log",
    benchmark:
        "benchmarks/plan.tsv"
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/plan.py 2> {log}"


rule propose:
    """The points of one round of a search that learns, from what came of all trials before it."""
    input:
        lambda wildcards: ancient(graph.for_round(wildcards.name)),
        lambda wildcards: graph.repaired(paths.round_path(paths.round(wildcards.name))),
    output:
        update("results/trials/rounds/{name}.json"),
    log:
        "logs/propose/{name}.log",
    wildcard_constraints:
        name=r"\d+-[0-9a-f]+",
    resources:
        mem_mb=500,
    shell:
        "python workflow/scripts/propose.py {wildcards.name} 2> {log}"


rule trial:
    """One seeded trial: the record is restored if it was ever trained here, else trained.

    To start a process takes as long as half a trial, so one goes on for a few seconds with those that come next
    in the plan; their jobs then find the record ready.
    """
    input:
        lambda wildcards: ancient(graph.for_trial(wildcards.name)),
        lambda wildcards: graph.repaired(*paths.record_places([wildcards.name])),
    output:
        update("results/trials/{name}.json"),
    log:
        "logs/trial/{name}.log",
    wildcard_constraints:
        name=r"\d+-[0-9a-f]+",
    group:
        lambda wildcards: paths.listing(wildcards.name).stem
    resources:
        mem_mb=200,
    params:
        plan=lambda wildcards: paths.listing(wildcards.name),
        last=paths.names[-1],
    shell:
        "mv .zdl/ready/{wildcards.name}.json {output} 2> /dev/null || exec"
        " python workflow/scripts/trial.py --plan {params.plan} --go-on {params.last} {wildcards.name} 2> {log}"


rule ready:
    """All that a trial needs, and no trial: `make trial` asks for it."""
    input:
        graph.notes,
        ancient(paths.plan.path),
        ancient(paths.split.path),
