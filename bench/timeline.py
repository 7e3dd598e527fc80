"""Where the time of a search goes: its longest chain of jobs, and the time on more cores than there are.

    python bench/timeline.py

The default search runs once, one job at a time, and no process goes on with further trials. So each duration
is that of a job alone on the machine. From these follow the longest chain (one trial and one replicate are in
it), and the time on any number of cores (list scheduling: a free core takes the next job that is ready). In a
real run a process goes on, so all but the first trials on a core are counted without the start of a process.
"""

import base64
import heapq
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engines import Clone

SHARED = ("trial", "replicate")  # rules whose processes go on with the next jobs
CORES = (1, 2, 4, 8, 16)


class Job:
    """A job of the run, with the seconds that it took and the jobs that it waited for."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.rule: str = metadata["rule"]
        self.inputs: list[str] = metadata["input"]
        self.seconds: float = metadata["endtime"] - metadata["starttime"]
        self.start: float = metadata["starttime"]
        self.needs: list[Job] = []


def jobs_of(clone: Clone) -> list[Job]:
    """The jobs of a run in the order of their starts, from Snakemake's notes (one for each file)."""
    jobs: dict[tuple[str, float], Job] = {}
    maker = {}
    for path in (clone.path / ".snakemake/metadata").rglob("*"):
        if path.is_file():
            metadata = json.loads(path.read_text())
            job = jobs.setdefault((metadata["rule"], metadata["starttime"]), Job(metadata))
            maker[base64.b64decode(path.name).decode()] = job
    for job in jobs.values():
        job.needs = [maker[path] for path in job.inputs if path in maker]
    return sorted(jobs.values(), key=lambda job: job.start)


def longest_chain(jobs: Iterable[Job]) -> list[Job]:
    chains: dict[Job, list[Job]] = {}
    for job in jobs:
        before = max((chains[need] for need in job.needs), key=seconds, default=[])
        chains[job] = [*before, job]
    return max(chains.values(), key=seconds)


def seconds(jobs: Iterable[Job]) -> float:
    return sum(job.seconds for job in jobs)


def schedule(jobs: list[Job], cores: int, starts: Mapping[str, float]) -> float:
    """Seconds from the first job to the last on so many cores."""
    waiting, finished, running, now = list(jobs), set(), [], 0.0
    started = dict.fromkeys(SHARED, 0)
    while waiting or running:
        ready = [job for job in waiting if all(need in finished for need in job.needs)]
        for job in sorted(ready, key=lambda job: job.rule != "replicate")[: cores - len(running)]:
            waiting.remove(job)
            saved = starts[job.rule] if job.rule in SHARED and started[job.rule] >= cores else 0.0
            if job.rule in SHARED:
                started[job.rule] += 1
            heapq.heappush(running, (now + job.seconds - saved, id(job), job))
        now, _, job = heapq.heappop(running)
        finished.add(job)
    return now


def timed(clone: Clone, *command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=clone.path, env=clone.env, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone.of_this_project(Path(folder) / "zdl", data={"source": "bundled"})
        adapter = clone.path / "workflow/scripts/adapter.py"
        adapter.write_text(adapter.read_text().replace("os.getppid(), 5", "os.getppid(), 0"))
        begin = time.time()
        clone.run("snakemake", "--cores", "1")
        jobs = jobs_of(clone)
        start = jobs[0].start - begin
        starts = {}
        for rule in SHARED:  # a job that finds its record in the cache takes the start of a process
            path = sorted((clone.path / f"results/{rule}s").glob("*.json"))[0]
            path.unlink()
            starts[rule] = timed(clone, "snakemake", "--cores", "1", str(path.relative_to(clone.path)))
            starts[rule] = min(job.seconds for job in jobs_of(clone)[-1:])
    chain = longest_chain(jobs)
    print(f"start of Snakemake {start:.1f} s")
    links = ", ".join(f"{job.rule} {job.seconds:.2f}" for job in chain)
    print(f"the longest chain {seconds(chain):.1f} s: {links}")
    for cores in CORES:
        print(f"{cores} cores: {schedule(jobs, cores, starts):.1f} s (all jobs: {seconds(jobs):.1f} s)")


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
