# What only a cluster needs (profiles/slurm, docs/clusters.md): groups of jobs, each one submission.

import subprocess

from snakemake.jobs import GroupJob


def find_slurm():
    """Fail at once where no Slurm answers, but it is to run the jobs: its executor would wait for ever, and say
    nothing."""
    if workflow.executor_plugin.name != "slurm":
        return
    try:
        asked = ["sinfo", "--noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60)
        said = done.stderr.splitlines()[-1:] if done.returncode else []
    except (OSError, subprocess.TimeoutExpired) as error:
        said = [str(error)]
    if said:
        raise SystemExit(f"no Slurm answers here, which is to run the jobs: {said[0]}")


def together(kind, listing):
    """The group of a job: a name for all those of its kind that may be in one submission to a cluster, since
    one file lists them. (The trials of a later round wait for those of this one.) The profile says how many
    of a kind make a submission."""
    workflow.parent_groupids[listing.stem] = kind
    if workflow.remote_exec:
        # In a submission that runs on a node, all are one. The executor does not pass this on to its Snakemake
        # there, which would start another Snakemake for each job, and that takes as long as several trials.
        workflow.group_settings.group_components = {kind: 10**6}
    return listing.stem


def say_too(group, msg=None, **more):
    """Have the logger know why a group failed, also where the cluster did not take it: Snakemake drops that."""
    log_error(group, msg, said=msg, **more)


log_error, GroupJob.log_error = GroupJob.log_error, say_too


if workflow.remote_exec:
    # The Snakemake that runs the jobs of a group takes all CPUs that it sees: the whole node's, where Slurm does
    # not bind jobs to theirs. And it wants a cache, in the home, which may be read-only.
    if cpus := os.environ.get("SLURM_CPUS_PER_TASK"):
        workflow.global_resources["_cores"] = int(cpus)
    os.environ.update(XDG_CACHE_HOME=str(workflow.snakemake_tmp_dir))
