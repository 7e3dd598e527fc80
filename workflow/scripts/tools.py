"""Run Git, DVC and Snakemake by their command lines. If one fails, an `Error` gives its own reason."""

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
    """A context that one process at a time can enter. It yields a function that runs Snakemake on a target if
    files of it are missing, and returns the exit code. It raises an `Error` if some are still missing."""
    from zdl.pipeline.locks import run_lock
    from zdl.pipeline.paths import Paths

    def run_if_missing(target: str, missing: Missing) -> int:
        code = _snakemake(target) if missing() else 0
        if files := missing():
            count = "1 file is" if len(files) == 1 else f"{len(files)} files are"
            raise Error(f"{target}: {count} missing or damaged, the first is {files[0]}")
        return code

    Paths.of("params.yaml")  # refuse invalid settings before any file is changed
    with run_lock():
        yield run_if_missing


def _snakemake(target: str) -> int:
    cores = os.environ.get("ZDL_CORES", "all")  # not an argument: DVC would record it in dvc.lock
    signal.signal(signal.SIGINT, lambda *_: None)  # Snakemake gets it as well: wait until it ends
    with program("snakemake"):
        code = subprocess.call(["snakemake", "--cores", cores, target])
    if code == INTERRUPTED:
        raise SystemExit(code)
    return code


def in_repository() -> bool:
    """Whether there is a Git repository here, even if Git refuses to read it."""
    folder = Path.cwd()
    return "GIT_DIR" in os.environ or any((each / ".git").exists() for each in (folder, *folder.parents))


def require_git(target: str) -> None:
    """Raise an `Error` unless there is a Git repository, whose history `target` reads."""
    files = ("--cached", "--others", "--exclude-standard", "--", "workflow")
    # Git lists nothing if this folder is ignored in a repository of a parent folder
    if not in_repository() or not list_files(*files):
        raise Error(f"{Path.cwd()}: is not a Git repository, and {target} needs one (`git clone` gives one)")


def require_scm(target: str) -> None:
    """Raise an `Error` before any work if DVC would fail after it: it needs a Git repository that it may
    read, unless core.no_scm is set."""
    try:
        if not in_repository():
            hint = "`dvc config core.no_scm true` has DVC do without"
            raise Error(f"{Path.cwd()}: is not a Git repository, and {target} needs one ({hint})")
        if shutil.which("git"):  # DVC does not need it, but checks the owner of the repository as Git does
            output("git", "rev-parse", "--git-dir")
    except Error:
        if output("dvc", "config", "core.no_scm").strip().lower() != b"true":
            raise


def commit(revision: str) -> str | None:
    """The full name of a revision; None if there is no such revision."""
    name = f"{revision}^{{commit}}"
    process = run_program("git", "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    if process.returncode == 1 and not process.stderr:
        return None
    return output_of(process).decode().strip()


def read_at(revision: str, path: str | Path) -> bytes | None:
    """The contents of a file in a revision; None if the revision has no such file. (Before the first commit,
    HEAD has none.)"""
    if commit(revision) is None:
        return None
    entry = output("git", "ls-tree", revision, "--", str(path)).decode().split()  # mode, kind, name
    return output("git", "cat-file", "blob", entry[2]) if "blob" in entry[:2] else None


def list_files(*arguments: str, command: str = "ls-files", cwd: Path | None = None) -> list[str]:
    """The files that a command of Git lists."""
    names = output("git", command, "-z", *arguments, cwd=cwd).decode().split("\0")
    return sorted({name for name in names if name})


def copy_project(folder: Path) -> None:
    """Copy the files that Git tracks or would track to a folder, except those that a run makes."""
    for name in list_files("--cached", "--others", "--exclude-standard"):
        if Path(name).is_file() and name != "dvc.lock" and not name.startswith("reports/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)


def output(*command: str, **options: Any) -> bytes:
    """The output of a command. Raises an `Error` with the command's own reason if it fails."""
    return output_of(run_program(*command, **options))


def run_program(*command: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    with program(command[0]):
        return subprocess.run(command, capture_output=True, check=False, **options)


def output_of(process: subprocess.CompletedProcess[bytes]) -> bytes:
    """The output of a command that has ended. Raises an `Error` if it failed."""
    if process.returncode:
        cause = reason(process.stderr.decode(errors="replace")) or f"exit code {process.returncode}"
        raise Error(f"{' '.join(process.args[:2])}: {cause}")
    return process.stdout


def reason(message: str) -> str:
    """The line of a tool's message that names the error, with the command that Git advises, if any.
    (Warnings may come before it. DVC may add an excerpt of a file, or a traceback.)"""
    lines = message.rstrip().split("\n")
    errors = (line for line in lines if line.lower().startswith(("fatal: ", "error: ")))
    line = next(errors, lines[0]).strip().rstrip(".")
    return f"{line} (`{lines[-1].strip()}`)" if lines[-1].startswith("\tgit ") else line


def become(*command: str) -> NoReturn:
    """Replace this process by another program."""
    with program(command[0]):
        os.execvp(command[0], command)


@contextlib.contextmanager
def program(name: str) -> Iterator[None]:
    """A context that starts the program `name`. Raises an `Error` if it is not installed."""
    try:
        yield
    except FileNotFoundError:
        raise Error(f"{name}: is not on the PATH (`. .venv/bin/activate`, or install it)") from None
