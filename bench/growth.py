"""How the pipeline grows: the default search, and 100, 1,000 and 10,000 trials of a tiny network for one
epoch.

    python bench/growth.py [default] [trials ...]

For each: what each command takes, its memory, the same of the three steps that see all trials, and how many
files there are in the end. Seconds of the processor (of a command and all that it started) are to be
believed more than those of the clock, which others on the machine stretch. Overhead is what of the former is
left per trial, less the training itself, which is timed in this process.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # read when NumPy is imported
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engines import TINY, Clone
from zdl.artifacts.fingerprint import function
from zdl.artifacts.io import read_npz
from zdl.pipeline.paths import Paths
from zdl.pipeline.progress import Progress
from zdl.search.trial import training

CORES = 2
STEPS = {  # which see all trials, with what they make
    "aggregate": "results/table",
    "rank": "results/manifests/rank",
    "pages": "results/manifests/pages",
}
FOLDERS = ("results/trials", ".zdl/trials", "logs/trial", ".snakemake/metadata", ".dvc/cache/files/md5")


class Spent(NamedTuple):
    """What a command took: seconds of the clock and of the processor, and the most MB that it held itself."""

    clock: float
    processor: float
    memory: float

    def __str__(self) -> str:
        return (
            f"{self.processor:.1f} s of the processor ({self.clock:.1f} s by the clock), {self.memory:.0f} MB"
        )


def timed(clone: Clone, *command: str) -> Spent:
    """Run a command that has to succeed."""
    peak = 0.0

    def measure_memory() -> None:  # its children apart, which the rusage of a process is not
        nonlocal peak
        try:
            while True:
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        peak = max(peak, int(line.split()[1]) / 1024)
                time.sleep(0.2)
        except OSError:  # it ended
            return

    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=clone.path, env=clone.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    watcher = threading.Thread(target=measure_memory)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    watcher.join()
    return Spent(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, peak)


def training_time(clone: Clone) -> float:
    """Seconds of the processor that a trial takes in a process that is there already."""
    home = Path.cwd()
    os.chdir(clone.path)
    paths = Paths.of("params.yaml")
    split, trials = read_npz(*paths.split), list(Progress(paths).trials.values())[:100]
    start = time.process_time()
    for trial in trials:
        training(trial.spec, split, function(trial.spec["train"]))
    seconds = (time.process_time() - start) / len(trials)
    os.chdir(home)
    return seconds


def measure(trials: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = TINY | {"training": {"epochs": 1, "batch_size": 20}, "search": {"trials": trials}}
        clone = Clone.of_this_project(Path(folder) / "zdl", **settings)
        clone.timeout = 3600
        run = ("snakemake", "--cores", str(CORES))
        clone.run("snakemake", "--cores", "1", "ready")
        training = training_time(clone)
        print(f"{trials} trials (training itself {training * 1000:.1f} ms each)", flush=True)
        search = say("the search", timed(clone, *run))
        print(f"    overhead: {(search.processor / trials - training) * 1000:.0f} ms a trial")
        for step, target in STEPS.items():
            shutil.rmtree(clone.path / target)  # or there would be nothing to do
            say(f"  of that, {step}", timed(clone, "python", f"workflow/scripts/{step}.py"))
        say("no-op", timed(clone, *run))
        say("dry run of all", timed(clone, *run[:1], "--dry-run", "--forceall"))
        say("dvc repro after it", timed(clone, "dvc", "repro"))
        say("dvc repro again", timed(clone, "dvc", "repro"))
        clone.commit()
        say("check", timed(clone, "python", "workflow/scripts/check.py"))
        clone.trained()
        clone.search(lr=(1e-4, 1e-2))
        edit = say("the search after lr was narrowed to half", timed(clone, *run))
        new = len(clone.trained())
        print(
            f"    {new} of {trials} trials new, {edit.processor / search.processor:.2f} of the whole search"
        )
        say("dvc repro after it", timed(clone, "dvc", "repro"))
        say("review", timed(clone, "python", "workflow/scripts/review.py", "HEAD"))
        for name in FOLDERS:
            files = [path for path in (clone.path / name).rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            print(f"  {name}: {len(files)} files, {size / 1e6:.1f} MB")
        published = sum(len(data) for data in clone.reports().values())
        print(f"  reports/: {published / 1e6:.1f} MB", flush=True)


def say(what: str, spent: Spent) -> Spent:
    print(f"  {what}: {spent}", flush=True)
    return spent


def default() -> None:
    """The search of params.yaml, from nothing to the report."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone.of_this_project(Path(folder) / "zdl", data={"source": "bundled"})
        clone.timeout = 3600
        run = ("snakemake", "--cores", str(CORES))
        print("the default search", flush=True)
        say("the search", timed(clone, *run))
        say("no-op", timed(clone, *run))
        clone.trained()
        clone.search(lr=(1e-4, 1e-2))
        say("the search after lr was narrowed to half", timed(clone, *run))


if __name__ == "__main__":
    for which in sys.argv[1:] or ("default", "100", "1000", "10000"):
        default() if which == "default" else measure(int(which))
