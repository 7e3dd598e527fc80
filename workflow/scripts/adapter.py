"""What the scripts share: run one step on the settings, and report errors in one line."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

ROOT = Path(os.path.normpath(Path(__file__).absolute().parents[2]))
if not ROOT.samefile(Path()):  # every path of the pipeline is relative to it
    raise SystemExit(f"{Path.cwd()}: is not the project's folder; run this in {ROOT}")

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
    """The excepthook in a copy that DVC makes for an experiment. It has only the files that Git knows, so an
    import may fail for want of a new one."""
    new: list[str] = []
    if isinstance(error, ImportError):
        queued_in = str(ROOT.parents[3])
        with contextlib.suppress(Error):
            new = listed("--others", "--exclude-standard", "--", "src", "workflow", cwd=queued_in)
    if new:
        say(f"{error.msg}: DVC copies only files that Git knows; `git add {' '.join(new)}` first")
    else:
        sys.__excepthook__(kind, error, trace)


if ROOT.parts[-4:-1] == (".dvc", "tmp", "exps"):
    sys.excepthook = name_unknown_files


def run(step: Callable[..., None]) -> None:
    """Run a step of `zdl.pipeline.steps` on the paths of params.yaml. Its messages go to stderr."""
    from zdl.artifacts import fingerprint
    from zdl.pipeline.paths import Paths

    with one_line():
        step(Paths.of("params.yaml"), say)
        fingerprint.remember()


@contextlib.contextmanager
def only_run() -> Iterator[Callable[[str], int]]:
    """A context for one process at a time. It gives a function that runs Snakemake on a target and returns
    the exit code."""
    from zdl.pipeline.locks import run_lock
    from zdl.pipeline.paths import Paths

    Paths.of("params.yaml")  # refuse invalid settings before any file is changed
    with run_lock():

        def snakemake(target: str) -> int:
            cores = os.environ.get("ZDL_CORES", "all")  # not an argument: DVC would record it in dvc.lock
            with program("snakemake"):
                return subprocess.call(["snakemake", "--cores", cores, target])

        yield snakemake


def in_repository() -> bool:
    """Whether there is a Git repository here, be it one that Git refuses to read."""
    folder = ROOT.resolve()
    return "GIT_DIR" in os.environ or any((each / ".git").exists() for each in (folder, *folder.parents))


def require_git(target: str) -> None:
    """Fail where `target`, which reads the history, has none to read."""
    files = ("--cached", "--others", "--exclude-standard", "--", "workflow")
    if not in_repository() or not listed(*files):  # nothing, if a repository around this folder ignores it
        raise Error(f"{ROOT}: is no Git repository, and {target} needs one (`git clone` gives one)")


def require_scm(target: str) -> None:
    """Fail where DVC would refuse to work: it needs a Git repository, unless it is set to do without."""
    if not in_repository() and output("dvc", "config", "core.no_scm").strip().lower() != b"true":
        without = "`dvc config core.no_scm true` has DVC do without"
        raise Error(f"{ROOT}: is no Git repository, and {target} needs one ({without})")


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


def listed(*arguments: str, command: str = "ls-files", cwd: str | None = None) -> list[str]:
    """The files that a command of Git lists."""
    names = output("git", command, "-z", *arguments, cwd=cwd).decode().split("\0")
    return sorted({name for name in names if name})


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


def read_yaml(text: str) -> Any:
    """The contents of a YAML text, read by DVC's parser. Raises ValueError if that refuses it."""
    from ruamel.yaml import YAML

    try:
        return YAML(typ="safe", pure=True).load(text)
    except Exception as error:  # a truncated file makes it raise almost anything
        raise ValueError(" ".join(str(error).split())) from None


def read_lock(text: str) -> dict[str, dict[str, Any]]:
    """The stages of a dvc.lock. Raises ValueError if it does not have the structure that DVC documents."""
    lock = read_yaml(text)
    stages = lock.get("stages", {}) if isinstance(lock, dict) and lock.get("schema") else None
    if not isinstance(stages, dict):
        raise ValueError("it has no schema, or its stages are not a mapping")
    for name, stage in stages.items():
        if not is_record(stage):
            raise ValueError(f"the stage {name} is incomplete")
    return stages


def is_record(stage: Any) -> bool:
    """Whether this is a stage of a dvc.lock, with a command and with a path and checksum for each file."""
    if not isinstance(stage, dict) or not isinstance(stage.get("cmd"), str | list):
        return False
    params, files = stage.get("params", {}), [stage.get("deps", []), stage.get("outs", [])]
    if not isinstance(params, dict) or not all(isinstance(items, list) for items in files):
        return False
    if not all(isinstance(values, dict) for values in params.values()):
        return False
    return all(isinstance(item, dict) and is_file(item) for items in files for item in items)


def is_file(item: dict[str, Any]) -> bool:
    """Whether an item of a dvc.lock has a path, a complete checksum, and a value for every key."""
    if "path" not in item or None in item.values():
        return False
    if "md5" not in item:
        return "etag" in item or "checksum" in item  # a file on a server
    return re.fullmatch(r"[0-9a-f]{32}(\.dir)?", str(item["md5"])) is not None


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class one_line:
    """A context in which a zdl.Error or an OSError ends the script with one line."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BrokenPipeError):  # the reader has closed the pipe: `make best | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0)
        if isinstance(error, OSError):
            named = f"{error.filename}: " if error.filename else ""
            error = Error(f"{named}{error.strerror or error}")
        if isinstance(error, Error):
            raise SystemExit(str(error)) from None
