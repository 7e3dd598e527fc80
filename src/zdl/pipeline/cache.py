"""What lies on this machine: records kept, locks, and manifests of what is published.

The store (`.zdl/`, which Git and DVC ignore) holds every record that was ever trained here, so that an
edit taken back trains nothing, and a lock for each trial, so that two runs at once train nothing twice.
Experiments that DVC's workers run side by side share both with the work tree (`zdl.artifacts.io.SHARED`).
"""

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from zdl import Error
from zdl.artifacts.fingerprint import fingerprint, function
from zdl.artifacts.io import (
    CACHED_TRIALS,
    SHARED,
    STORE,
    CorruptFileError,
    File,
    is_digest,
    parsing,
    read,
    read_json,
    regular,
    sealed_json,
    write,
)
from zdl.artifacts.schemas import is_record, is_replicates
from zdl.search.trial import ROUNDS, TRIALS, Trial

if TYPE_CHECKING:  # a trial process starts without what an artifact needs
    from zdl.artifacts.artifact import Artifact
    from zdl.pipeline.paths import Paths

WEIGHTS, DAMAGED = SHARED / "weights", STORE / "damaged"
REPAIRED = STORE / "repaired"  # a note of each repair
READY = STORE / "ready"  # records that a trial process made on the way, for the jobs that will ask for them
REPLICATES = Path("results/replicates")
ROOM = 2**16  # bytes that are to be free on the disk
AN_HOUR = 3600  # seconds; no file is in the making for so long


def planned(plan: Path, name: str) -> Trial:
    """The trial of that name, from its line of the plan, or of a round's file: no other is parsed."""
    for line_name, line in _lines(plan):
        if line_name == name and (trial := _trial(plan, name, line)):
            return trial
    raise Error(f"trial {name}: is not in {plan}; if params.yaml or the code changed, run again")


def following(plan: Path, name: str, last: str) -> Iterator[Trial]:
    """The trials without a record that come after the one of that name in a plan, or in a round's file. A
    round may have more trials than the search: none comes after the `last` one."""
    lines = _lines(plan)
    for earlier, _ in lines:
        if earlier == name:
            break
    for later, line in lines if name != last else ():
        if not (TRIALS / f"{later}.json").exists() and (trial := _trial(plan, later, line)):
            yield trial
        if later == last:
            break


def _lines(plan: Path) -> Iterator[tuple[str, str]]:
    """The lines of a plan, each with the name of its trial."""
    with parsing(plan), regular(plan).open(encoding="utf-8") as lines:
        for line in lines:
            if name := line[1:].partition('"')[0]:
                yield name, line


def _trial(plan: Path, name: str, line: str) -> Trial | None:
    """The trial in a line of the plan, None if there is none. A name in the plan holds the digest of all that
    determines the trial, so a line that is not the plan's is not taken for it."""
    with parsing(plan):
        value = line.partition(": ")[2].rstrip(",\n")
        if not value.startswith("["):
            return None
        number, point, spec = json.loads(value)
        trial = Trial(number, point, spec, name)
        if not (plan.parent == ROUNDS or trial.key == name) or not is_digest(trial.spec["split"]):
            return None
        _check_fit(plan, spec)
        return trial


def check_fit(plans: Iterable[Path]) -> None:
    """Fail where the trials of no plan can be trained: on a node of a cluster, say, that has other libraries.
    (There may be a rival's plan, too, of other code.)"""
    failed = None
    for plan in plans:
        try:
            with parsing(plan), regular(plan).open(encoding="utf-8") as lines:
                next(lines)  # the plan's digest
                _, _, spec = json.loads(next(lines).partition(": ")[2].rstrip(",\n"))
                _check_fit(plan, spec)
            return
        except Error as error:
            failed = error
    if failed:
        raise failed


def _check_fit(plan: Path, spec: Mapping[str, Any]) -> None:
    """Under the name that a trial has in the plan, its record would hold what other code or libraries
    gave."""
    code, libraries = fingerprint(Trial.entry)
    for name, version in libraries.items():
        if spec["libraries"].get(name) != version:
            needed = str(spec["libraries"].get(name))[:12]
            raise Error(
                f"{name}'s version is {version}, but {needed} in {plan}; if it was upgraded, run again"
            )
    if spec["code"] != code:
        needed = str(spec["code"])[:12]
        raise Error(
            f"the fingerprint of zdl's code is {code[:12]}, but {needed} in {plan}; if it changed, run again"
        )


def get_or_train(
    trial: Trial,
    say: Callable[[str], None] | None = None,
    anew: bool = False,
    wait: bool = True,
    place: Path | None = None,
) -> None:
    """Have the record of `trial` in its place: from the store if it was ever trained here, else by training.

    `anew` trains in any case. `say` gets the book's lines as training goes on. Where another process is at
    it, its end is waited for, or, without `wait`, BlockingIOError raised. `place` is another place for it.
    """
    kept = CACHED_TRIALS / f"{trial.key}.json"
    with _lock(trial.number, wait):
        data = None if anew else _whole(kept, trial) or _whole(trial.record, trial)
        if data is None:
            data = _trained(trial, say)
        write(kept, data)
        write(place or trial.record, data)


def _trained(trial: Trial, say: Callable[[str], None] | None) -> bytes:
    if log := os.environ.get("ZDL_TRAININGS"):  # a file that gets a line for each training: for tests
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{trial.name}\n")
    inputs = {argument: _bytes(file) for argument, file in trial.inputs.items()}
    data: bytes = function(trial.entry)(trial.number, trial.spec, **inputs, say=say)
    return data


@lru_cache(maxsize=2)  # all trials of a process read the same files
def _bytes(file: File) -> bytes:
    return read(file)


def train_ahead(trials: Iterable[Trial], go_on: Callable[[], bool]) -> None:
    """Have the records of more trials ready, as long as `go_on` says so: their jobs have only to move them.

    Left out are those that are there or that another process is at. This only saves time: the first failure
    ends it, and whoever asks for that trial by itself is told.
    """
    trials = iter(trials)
    while go_on():
        try:
            trial = next(trials)
            place = READY / trial.record.name
            if not trial.record.exists() and not place.exists():
                get_or_train(trial, wait=False, place=place)
        except BlockingIOError:
            continue
        except Exception:  # the end of the trials, too
            return


def _whole(path: Path, trial: Trial) -> bytes | None:
    try:
        return read(File(path, trial.digest, trial.fits))
    except (CorruptFileError, OSError):
        return None


@contextlib.contextmanager
def _lock(number: int, wait: bool = True) -> Iterator[None]:
    """One byte of one file a trial; the system frees it when its holder ends, however that happens."""
    with lock_file("trial.lock", SHARED) as file:
        fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, number)
        yield


def lock_file(name: str, folder: Path = STORE) -> TextIO:
    """A file of the store to hold a lock on."""
    folder.mkdir(exist_ok=True)
    return open(folder / name, "a", encoding="utf-8")


def check_writable() -> None:
    """Fail before any work where what comes of it could not be written: no permission, or a full disk."""
    places = (folder for name in ("data", "results", "reports") for folder in Path(name).glob("**/"))
    for folder in (Path(), STORE, *places):
        if folder.exists() and not os.access(folder, os.W_OK):
            raise Error(f"{folder.resolve()}: cannot be written to (needed: write permission)")
    disk = os.statvfs(".")
    if disk.f_bavail * disk.f_frsize < ROOM:
        raise Error(f"{Path().resolve()}: No space left on device (needed: {ROOM} bytes)")


def missing(wanted: Iterable[Trial]) -> list[Path]:
    """The records that are not there, or not whole."""
    return [trial.record for trial in wanted if _whole(trial.record, trial) is None]


def forecast(paths: "Paths", there: Callable[[Path], bool]) -> list[str]:
    """What it takes to have the records that are not `there`, in a line: how many of them are in the store,
    and how many have to be trained. No line if none is missing."""
    missing = [name for name, path in zip(paths.names, paths.records(), strict=True) if not there(path)]
    known = [paths.trials[name] for name in missing if name in paths.trials]
    kept = sum(_whole(CACHED_TRIALS / f"{trial.key}.json", trial) is not None for trial in known)
    parts = [f"{kept} from the cache", f"{len(known) - kept} to train"]
    if len(known) < len(missing):
        parts.append(f"{len(missing) - len(known)} whose points depend on the scores of others")
    trials = "1 trial" if len(missing) == 1 else f"{len(missing)} trials"
    return [f"{trials}: {', '.join(parts)}"] if missing else []


def keep_only(wanted: Iterable[Path]) -> None:
    """Of records and rounds leave only these in their places: what DVC tracks is a function of the commit.
    Records of other searches move to the store; their rounds follow from them."""
    wanted = set(wanted)
    for path in {*TRIALS.glob("*")} - {ROUNDS, *wanted}:
        keep(path)
    for path in {*ROUNDS.glob("*")} - wanted:
        path.unlink(missing_ok=True)


def keep(record: Path) -> str:
    """Move a record to the store, where it lies under its trial's key; one that is there and whole stays. One
    that is damaged is set aside, with the line that is given."""
    if (key := _key(record)) is None:
        return set_aside(record, f"{record}: is damaged")
    CACHED_TRIALS.mkdir(parents=True, exist_ok=True)
    kept = CACHED_TRIALS / f"{key}.json"
    if _key(kept) == key:
        record.unlink(missing_ok=True)
    else:
        with contextlib.suppress(FileNotFoundError):  # a rival was first
            os.replace(record, kept)
    return ""


def _key(path: Path) -> str | None:
    """The key of the trial that a record is of, if it is whole (its settings may be gone)."""
    try:
        with parsing(path):
            told = json.loads(path.read_bytes())
            contents = read_json(path, str(told["digest"]), is_record)
            return Trial(contents["trial"], {}, contents["spec"]).key
    except (CorruptFileError, OSError):
        return None


def prune(wanted: Iterable[Trial]) -> int:
    """Delete the stored records of other searches, the number of which is given; and with them what was set
    aside as damaged, what the killed left half made, and stored weights (today's are in their place)."""
    keys = {trial.key for trial in wanted}
    old = [path for path in CACHED_TRIALS.glob("*") if path.stem not in keys]
    litter = [path for path in STORE.glob("*.tmp") if _age(path) > AN_HOUR]
    for path in (
        *old,
        *litter,
        *WEIGHTS.glob("*"),
        *DAMAGED.glob("*"),
        *READY.glob("*"),
        *REPAIRED.glob("*"),
    ):
        path.unlink(missing_ok=True)
    return len(old)


def _age(path: Path) -> float:
    """Seconds since a file was last written; 0 where it is no longer there."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """A context in which no other process writes a round, or moves one."""
    with lock_file("rounds.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def set_aside(path: Path, damage: str) -> str:
    """Move a damaged file out of the way; the line that says so, or none if a rival was first."""
    DAMAGED.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, DAMAGED / path.name)
        return f"{damage}; it was moved to {DAMAGED} and will be made again"
    return ""


def leave_only(*paths: Path) -> None:
    """Delete all other files in the directories of these."""
    for folder in {path.parent for path in paths}:
        for path in {*folder.iterdir()} - {*paths}:
            if not path.is_dir():  # such as an editor's
                path.unlink(missing_ok=True)


def end_future(paths: Iterable[Path]) -> None:
    """Set time stamps in the future to now: Snakemake refuses a result that is older than an input, even one
    whose time it is told to ignore."""
    now = time.time()
    for path in paths:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime > now:
                os.utime(path)


def is_whole(artifact: "Artifact") -> bool:
    """Whether an artifact is in its place, undamaged; of a manifest, with the files that it tells of."""
    if artifact.published:
        return vouches(artifact)
    try:
        read(artifact)
        return True
    except CorruptFileError:
        return False


def publish(artifact: "Artifact", contents: Mapping[str, bytes]) -> None:
    """Write what a step publishes, then the manifest that says which bytes they are."""
    for name, path in artifact.published.items():
        if name in contents:
            write(path, contents[name])
        else:
            path.unlink(missing_ok=True)
    files = {artifact.published[name]: data for name, data in contents.items()}
    write(artifact.path, manifest(artifact, files))


def manifest(file: File, files: Mapping[Path, bytes]) -> bytes:
    """The contents of a manifest of `files`."""
    sums = {str(path): hashlib.sha256(data).hexdigest() for path, data in files.items()}
    return sealed_json({"digest": file.digest, "files": dict(sorted(sums.items()))})


def vouches(file: File) -> bool:
    """Whether a manifest is whole, and the published files are, byte for byte, those that it tells of."""
    try:
        return not changed(file)
    except (CorruptFileError, OSError):
        return False


def changed(file: File) -> list[str]:
    """Published files that a manifest does not tell of; `CorruptFileError` if it is corrupt."""
    sums: dict[str, str] = read_json(file.path, file.digest, _is_manifest)["files"]
    return [path for path, wanted in sums.items() if _sum(path) != wanted]


def _sum(path: str) -> str:
    try:
        return hashlib.sha256(regular(path).read_bytes()).hexdigest()
    except CorruptFileError:
        return ""


def _is_manifest(contents: dict[str, Any]) -> bool:
    """Whether contents name files of this project, and no others."""
    return all(Path(path).resolve().is_relative_to(Path.cwd()) for path, _ in contents["files"].items())


def cache_weights(artifact: "Artifact", path: Path) -> None:
    """Keep the weights: DVC does not carry them, so that they would be lost with every other search that
    comes into the work tree, by `dvc checkout` or `dvc exp apply`."""
    if path.exists():
        write(WEIGHTS / f"{artifact.digest}{path.suffix}", path.read_bytes())


def cache_replicates() -> None:
    """Put every replicate in the files that are there, whatever search they are of, into the store: another
    ranking of the same trials finds them, in a pulled clone too."""
    from zdl.search.replicates import Replicate  # here alone: a trial process starts without it

    for path in REPLICATES.glob("*.json"):
        for record in _replicates_in(path):
            replicate = Replicate(record["trial"], {}, record["spec"])
            if not replicate.record.exists():
                write(replicate.record, sealed_json(record))


def keep_only_replicates(wanted: Iterable[Path]) -> None:
    """Of the files of replicates leave only these: what DVC tracks is a function of the commit."""
    cache_replicates()
    for path in {*REPLICATES.glob("*")} - {*wanted}:
        path.unlink(missing_ok=True)


def _replicates_in(path: Path) -> list[dict[str, Any]]:
    """The records in a file of replicates; none, if it is not there or not whole."""
    try:
        with parsing(path):
            digest = str(json.loads(path.read_bytes())["digest"])
            records: list[dict[str, Any]] = read_json(path, digest, is_replicates)["replicates"]
            return records
    except (CorruptFileError, OSError):
        return []
