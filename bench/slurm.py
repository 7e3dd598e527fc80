"""The search on a Slurm of three nodes, all on this host: what a submission costs, and what a group saves.

    .venv-beyond/bin/python bench/slurm.py

Default trials, each contender in a fresh clone. All share this host's cores, so that only overhead differs.
"""

import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engines import Clone
from tests.slurm.cluster import Cluster

PROFILE = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "5")
CONTENDERS = {  # trials, and how many are in a submission (0: none is submitted)
    "100 trials here, on two cores": (100, 0),
    "100 trials in 3 groups": (100, 34),
    "20 trials in 3 groups": (20, 7),
    "20 trials, each by itself": (20, 1),
}


def main() -> None:
    for name, (trials, group) in CONTENDERS.items():
        options = (*PROFILE, "--group-components", f"trials={group}") if group else ("--cores", "2")
        with tempfile.TemporaryDirectory(prefix="zdl-bench-") as folder, Cluster() as cluster:
            clone = Clone.of_this_project(Path(folder) / "zdl", search={"trials": trials})
            clone.timeout = 1200
            clone.env |= {**cluster.env, "PATH": f"{cluster.folder}:{clone.env['PATH']}"}
            clone.run("snakemake", "--cores", "2", "ready")
            start = time.perf_counter()
            clone.run("snakemake", "trials", *options)
            wall, jobs = time.perf_counter() - start, sorted(map(seconds, cluster.done()))
            assert len(clone.trained()) == trials
            each = f"; {len(jobs)} submissions of {jobs[0]:.0f} to {jobs[-1]:.0f} s" if jobs else ""
            print(f"{name}: {wall:.0f} s{each}", flush=True)


def seconds(job: dict[str, str]) -> float:
    """How long a submission was on its node."""
    start, end = (datetime.fromisoformat(job[which]) for which in ("StartTime", "EndTime"))
    return (end - start).total_seconds()


if __name__ == "__main__":
    main()
