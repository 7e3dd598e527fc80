# What the rules leave to Snakemake's run: which trials it makes, and how it waits.

from bisect import bisect_right
from collections import defaultdict

from snakemake.jobs import Job

# The trials that this run makes (on a node of a cluster: those of one group), known when the graph of jobs is
# complete: names in order, by the file that lists them.
wanted = defaultdict(list)


def following(name, count=100):
    """The next trials of its file that this run makes after `name`, from the first one on after the last."""
    if workflow.scheduler and not wanted:
        jobs = workflow.dag.needrun_jobs()
        for other in sorted(
            job.wildcards.name for job in jobs if job.rule.name == "trial"
        ):
            wanted[layout.listing(other)].append(other)
    names = wanted.get(layout.listing(name), [])
    place = bisect_right(names, name)
    after = names[place : place + count]
    return [*after, *names[: min(place, count - len(after))]]


# Of each input of a job, one by one, Snakemake asks whether it comes through a pipe, and looks for it among
# all others to tell: quadratic in the trials, for `aggregate`. No rule here has a pipe.
Job.is_pipe_or_service_input = lambda job, path: False


onstart:
    find_slurm()
    if workflow.local_exec:
        # Whoever looks for jobs to start under this limit (100 a second) sets a timer for another look, so
        # it looks ever more often: a fifth of the time of 1,000 trials.
        workflow.scheduler.job_rate_limiter = None
        # To weigh all jobs that are ready, each time one ends, is quadratic in their number; to weigh too few
        # leaves cores idle until one ends.
        workflow.scheduler.subsample = max(20, 2 * workflow.cores)
