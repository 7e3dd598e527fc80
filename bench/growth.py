"""How the pipeline grows: 100, 1,000 and 10,000 trials of a tiny network for one epoch.

    python bench/growth.py [trials ...]

Overhead is wall time times cores per trial, less the training itself (which is timed in this process).
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # read when NumPy is imported
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.workflow import TINY, Clone
from zdl.files import read_npz
from zdl.layout import Layout
from zdl.trial import train

CORES = 2


def timed(clone: Clone, *command: str) -> tuple[float, float]:
    """Seconds that a command takes, and the most memory that it held itself, its children apart, in MB."""
    peak = 0.0

    def watch() -> None:
        nonlocal peak
        with contextlib.suppress(OSError):  # it ended between the question and the look
            while process.poll() is None:
                for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        peak = max(peak, int(line.split()[1]) / 1024)
                time.sleep(0.2)

    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=clone.path, env=clone.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.wait() == 0, command
    seconds = time.perf_counter() - start
    watcher.join()
    return seconds, peak


def training(clone: Clone) -> float:
    """Seconds that a trial takes in a process that is there already."""
    home = Path.cwd()
    os.chdir(clone.path)
    layout = Layout.of("params.yaml")
    split, trials = read_npz(*layout.split), list(layout.trials.values())[:100]
    start = time.perf_counter()
    for trial in trials:
        train(trial, split)
    seconds = (time.perf_counter() - start) / len(trials)
    os.chdir(home)
    return seconds


def measure(trials: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = TINY | {"training": {"epochs": 1, "batch_size": 20}, "search": {"trials": trials}}
        clone = Clone.of_this_project(Path(folder) / "zdl", **settings)
        clone.timeout = 3600
        clone.run("snakemake", "--cores", "1", "ready")
        itself = training(clone)
        seconds, memory = timed(clone, "snakemake", "--cores", str(CORES))
        nothing, _ = timed(clone, "snakemake", "--cores", str(CORES))
        dry, _ = timed(clone, "snakemake", "--dry-run", "--forceall")
        recorded, _ = timed(clone, "dvc", "repro")
        again, _ = timed(clone, "dvc", "repro")
    overhead = (seconds * CORES / trials - itself) * 1000
    print(
        f"{trials} trials: {seconds:.1f} s on {CORES} cores, overhead {overhead:.0f} ms a trial "
        f"(training itself {itself * 1000:.1f}); no-op {nothing:.1f} s; dry run of all {dry:.1f} s; "
        f"engine {memory:.0f} MB; dvc repro after it {recorded:.1f} s, again {again:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    for count in map(int, sys.argv[1:] or ("100", "1000", "10000")):
        measure(count)
