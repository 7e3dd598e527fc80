# From the split to one record a trial.
# needs: data/split
# makes: results/plan, results/trials (and in it, of a search that learns, the rounds)

# Whether this is `snakemake --report`: its graph shows also what those that are there were made from.
SHOWN = any(word.startswith("--report") for word in sys.argv)


rule plan:
    """Every trial of the search: its number, its point, and all that determines its record."""
    output:
        update(layout.plan.path),
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
        lambda wildcards: ancient(layout.needed_to_propose(wildcards.name, SHOWN)),
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

    To start a process takes as long as half a trial, so one goes on for a few seconds with those that this
    run will ask for next; their jobs then find the record there.
    """
    input:
        lambda wildcards: ancient(layout.needed_for(wildcards.name, SHOWN)),
    output:
        update("results/trials/{name}.json"),
    log:
        "logs/trial/{name}.log",
    wildcard_constraints:
        name=r"\d+-[0-9a-f]+",
    group:
        lambda wildcards: together("trials", layout.listing(wildcards.name))
    resources:
        mem_mb=200,
    params:
        plan=lambda wildcards: layout.listing(wildcards.name),
        next=lambda wildcards: following(wildcards.name),
    shell:
        "test -e {output} || exec python workflow/scripts/trial.py"
        " --plan {params.plan} {wildcards.name} {params.next} 2> {log}"


rule ready:
    """All that a trial needs, and no trial: `make trial` asks for it."""
    input:
        ancient(layout.plan.path),
        ancient(layout.split.path),
