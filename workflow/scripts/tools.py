"""Git, DVC and Snakemake by their command lines: what they answer, or an `Error` with their own reason."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from adapter import INTERRUPTED
from zdl import Error

Missing = Callable[[], Sequence[Path]]


@contextlib.contextmanager
def only_run() -> Iterator[Callable[[str, Missing], int]]:
    """A context for one process at a time. It gives a function that runs Snakemake on a target if something
    of it is `missing`, and returns the exit code; an `Error` if something is missing afterwards."""
    from zdl.pipeline.locks import run_lock
    from zdl.pipeline.paths import Paths

    def have(target: str, missing: Missing) -> int:
        code = _snakemake(target) if missing() else 0
        if left := missing():
            count = "1 file is" if len(left) == 1 else f"{len(left)} files are"
            raise Error(f"{target}: {count} missing or damaged, the first is {left[0]}")
        return code

    Paths.of("params.yaml")  # refuse invalid settings before any file is changed
    with run_lock():
        yield have


def _snakemake(target: str) -> int:
    cores = os.environ.get("ZDL_CORES", "all")  # not an argument: DVC would record it in dvc.lock
    signal.signal(signal.SIGINT, lambda *_: None)  # Snakemake gets it, too: wait for its end
    with program("snakemake"):
        code = subprocess.call(["snakemake", "--cores", cores, target])
    if code == INTERRUPTED:
        raise SystemExit(code)
    return code


def in_repository() -> bool:
    """Whether there is a Git repository here, be it one that Git refuses to read."""
    folder = Path.cwd()
    return "GIT_DIR" in os.environ or any((each / ".git").exists() for each in (folder, *folder.parents))


def require_git(target: str) -> None:
    """Fail where `target`, which reads the history, has none to read."""
    files = ("--cached", "--others", "--exclude-standard", "--", "workflow")
    if not in_repository() or not listed(*files):  # nothing, if a repository around this folder ignores it
        raise Error(f"{Path.cwd()}: is no Git repository, and {target} needs one (`git clone` gives one)")


def require_scm(target: str) -> None:
    """Fail before any work where DVC would fail after it: it needs a Git repository that it may read, unless
    it is set to do without."""
    try:
        if not in_repository():
            without = "`dvc config core.no_scm true` has DVC do without"
            raise Error(f"{Path.cwd()}: is no Git repository, and {target} needs one ({without})")
        if shutil.which("git"):  # DVC needs no such program, but asks as Git does whose the repository is
            output("git", "rev-parse", "--git-dir")
    except Error:
        if output("dvc", "config", "core.no_scm").strip().lower() != b"true":
            raise


def commit(revision: str) -> str | None:
    """The full name of a revision; None if there is no such revision."""
    name = f"{revision}^{{commit}}"
    done = run_program("git", "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    if done.returncode == 1 and not done.stderr:
        return None
    return checked(done).decode().strip()


def at(revision: str, path: str | Path) -> bytes | None:
    """The contents of a file in a revision; None if the revision has no such file. (Before the first commit,
    HEAD has none.)"""
    if commit(revision) is None:
        return None
    entry = output("git", "ls-tree", revision, "--", str(path)).decode().split()  # mode, kind, name
    return output("git", "cat-file", "blob", entry[2]) if "blob" in entry[:2] else None


def listed(*arguments: str, command: str = "ls-files", cwd: Path | None = None) -> list[str]:
    """The files that a command of Git lists."""
    names = output("git", command, "-z", *arguments, cwd=cwd).decode().split("\0")
    return sorted({name for name in names if name})


def copy_project(folder: Path) -> None:
    """Copy what Git tracks here, or would track, to a folder, but not what a run makes of it."""
    for name in listed("--cached", "--others", "--exclude-standard"):
        if Path(name).is_file() and name != "dvc.lock" and not name.startswith("reports/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)


def output(*command: str, **options: Any) -> bytes:
    """The output of a command; an `Error` with its own reason, if it fails."""
    return checked(run_program(*command, **options))


def run_program(*command: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    with program(command[0]):
        return subprocess.run(command, capture_output=True, check=False, **options)


def checked(done: subprocess.CompletedProcess[bytes]) -> bytes:
    """The output of a command that has ended; an `Error` if it failed."""
    if done.returncode:
        why = reason(done.stderr.decode(errors="replace")) or f"exit code {done.returncode}"
        raise Error(f"{' '.join(done.args[:2])}: {why}")
    return done.stdout


def reason(message: str) -> str:
    """The line of a tool's message that names the error, with the command that Git advises, if it does.
    (Warnings may come before it. DVC may add an excerpt of a file, or a traceback.)"""
    lines = message.rstrip().split("\n")
    named = (line for line in lines if line.lower().startswith(("fatal: ", "error: ")))
    why = next(named, lines[0]).strip().rstrip(".")
    return f"{why} (`{lines[-1].strip()}`)" if lines[-1].startswith("\tgit ") else why


def become(*command: str) -> NoReturn:
    """Go on as another program."""
    with program(command[0]):
        os.execvp(command[0], command)


@contextlib.contextmanager
def program(name: str) -> Iterator[None]:
    """A context that starts a program; an `Error` if there is none of that name."""
    try:
        yield
    except FileNotFoundError:
        raise Error(f"{name}: is not on the PATH (`. .venv/bin/activate`, or install it)") from None
