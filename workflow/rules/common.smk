# What the rules leave to Snakemake's run: which trials it makes, and how it waits.

from bisect import bisect_right
from collections import defaultdict

# The trials that this run makes, known when it starts: names in order, by the file that lists them.
wanted = defaultdict(list)


def following(name, count=100):
    """The next trials of its file that this run makes after `name`, from the first one on after the last."""
    names = wanted[layout.listing(name)]
    place = bisect_right(names, name)
    return [*names[place:], *names[:place]][:count]


onstart:
    jobs = workflow.dag.needrun_jobs()
    for name in sorted(
        job.wildcards.name for job in jobs if job.rule.name == "trial"
    ):
        wanted[layout.listing(name)].append(name)
    if workflow.local_exec:
        # Whoever looks for jobs to start under this limit (100 a second) sets a timer for another look, so
        # it looks ever more often: a fifth of the time of 1,000 trials.
        workflow.scheduler.job_rate_limiter = None
        # To weigh all jobs that are ready, each time one ends, is quadratic in their number; to weigh too few
        # leaves cores idle until one ends.
        workflow.scheduler.subsample = max(20, 2 * workflow.cores)
