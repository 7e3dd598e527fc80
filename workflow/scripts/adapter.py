"""What the scripts share: settings first, then one step, and a person's mistake told in one line."""

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = (
        "1"  # read when NumPy is imported; the threads of many trials get in each other's way
    )

try:
    import zdl
    from zdl import Error
except ModuleNotFoundError:
    raise SystemExit(
        f"zdl is not installed in {sys.executable}: `. .venv/bin/activate` first (`make run` sets it up)"
    ) from None
# This tree's own code, wherever zdl is installed from: an experiment that DVC queues, or a second work tree,
# may hold other code than the tree that .venv belongs to, and what it makes is recorded as made by its own.
zdl.__path__[:] = [str(Path(__file__).resolve().parents[2] / "src/zdl")]


def run(step: Callable[..., None]) -> None:
    """Run a step of `zdl.steps` on the layout of params.yaml; what it reports goes to stderr."""
    from zdl.layout import Layout

    with one_line():
        step(Layout.of("params.yaml"), say)


@contextlib.contextmanager
def alone() -> Iterator[Callable[[str], int]]:
    """A context in which no other process is; it gives what has Snakemake make a target's files, and tells
    its exit code."""
    from zdl import store
    from zdl.layout import Layout

    Layout.of("params.yaml")  # wrong settings are refused before anything is touched
    with store.lock_file("trials.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Snakemake inherits it: held until its end, even if we are killed

        def snakemake(target: str) -> int:
            cores = os.environ.get("ZDL_CORES", "all")  # not an argument: DVC would record it in dvc.lock
            return subprocess.call(["snakemake", "--cores", cores, target], pass_fds=[lock.fileno()])

        yield snakemake


def at(revision: str, path: str | Path) -> bytes | None:
    """A file as it is in a revision; None if that has none of that name."""
    done = subprocess.run(["git", "show", f"{revision}:./{path}"], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class one_line:
    """A context in which zdl.Error, and what the system refuses, end the script with one line."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BrokenPipeError):  # the reader has seen enough: `make best | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0)
        if isinstance(error, OSError):
            named = f"{error.filename}: " if error.filename else ""
            error = Error(f"{named}{error.strerror or error}")
        if isinstance(error, Error):
            raise SystemExit(str(error)) from None
