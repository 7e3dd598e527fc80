"""Shared code of the scripts: run a step with the settings, and report errors in one line."""

import atexit
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType

ROOT = Path(os.path.normpath(Path(__file__).absolute().parents[2]))
if not ROOT.samefile(Path()):  # every path of the pipeline is relative to it
    raise SystemExit(f"{Path.cwd()}: is not the project's folder; run this in {ROOT}")

gc.set_threshold(10_000)  # else garbage collection during imports takes a sixth of a step's time
atexit.register(gc.freeze)  # it is useless at exit, too
START, PARENT, SECONDS = time.monotonic(), os.getppid(), 5
INTERRUPTED = 130  # the exit code after Ctrl-C, as of a shell
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job ignores it
    # Ctrl-C is no failure, so there is no traceback. Every write is atomic: what was finished is kept.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(INTERRUPTED))
sys.stdout.reconfigure(errors="backslashreplace")  # like stderr, for characters that a terminal lacks
os.environ["MPLBACKEND"] = "agg"  # no figure is shown, so the user's backend need not be installed
for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"  # NumPy reads it when imported; with more, parallel trials slow each other down

try:
    import zdl
    from zdl import Error
except ModuleNotFoundError:
    raise SystemExit(
        f"zdl is not installed in {sys.executable}: `. .venv/bin/activate` first (`make run` sets it up)"
    ) from None
# Import this tree's own code, wherever zdl is installed from. A queued experiment of DVC, or a second work
# tree, may have other code than the tree of .venv, and its results are recorded as made by its own code.
zdl.__path__[:] = [str(Path(__file__).resolve().parents[2] / "src/zdl")]


def name_unknown_files(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The excepthook in a copy of the project that DVC makes for an experiment. The copy has only the files
    that Git knows, so an import of a new file fails there."""
    from tools import list_files  # only here: no step needs it
    from zdl.artifacts.io import QUEUED_IN

    new: list[str] = []
    if isinstance(error, ImportError):
        with suppress(Error):
            new = list_files("--others", "--exclude-standard", "--", "src", "workflow", cwd=QUEUED_IN)
    if new:
        say(f"{error.msg}: DVC copies only files that Git knows; `git add {' '.join(new)}` first")
    else:
        sys.__excepthook__(kind, error, trace)


if "/.dvc/tmp/exps/" in ROOT.as_posix():
    sys.excepthook = name_unknown_files


def run(step: Callable[..., None]) -> None:
    """Run a step of `zdl.pipeline.steps` on the paths of params.yaml. Its messages go to stderr."""
    from zdl.artifacts import fingerprint
    from zdl.pipeline.paths import Paths

    with one_line():
        step(Paths.of("params.yaml"), say)
        fingerprint.remember()


def go_on() -> bool:
    """Whether a process that has done its job goes on with the next ones.

    It does so for a few seconds, so that the run can still show progress, or for as long as it took until
    here, since some libraries are slow to import. It stops when the run has ended.
    """
    start_up = _start_up_time()
    return time.monotonic() < START + start_up + max(SECONDS, start_up) and os.getppid() == PARENT


@cache
def _start_up_time() -> float:
    return time.monotonic() - START


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def one_line() -> Iterator[None]:
    """A context in which a zdl.Error or an OSError ends the script with one line."""
    try:
        yield
    except BrokenPipeError:  # the reader has closed the pipe: `make best | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except OSError as error:
        prefix = f"{error.filename}: " if error.filename else ""
        raise SystemExit(f"{prefix}{error.strerror or error}") from None
    except Error as error:
        raise SystemExit(str(error)) from None
