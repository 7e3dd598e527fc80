"""What lies on this machine: records kept, damage set aside, and receipts for what is published.

The store (`.zdl/`, which Git and DVC ignore) holds every record that was ever trained here, so that an
edit taken back trains nothing, and a lock for each trial, so that two runs at once train nothing twice.
Experiments that DVC's workers run side by side share both with the work tree (`zdl.files.SHARED`).
"""

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from zdl import Error
from zdl.files import (
    SHARED,
    STORE,
    Damaged,
    File,
    code_digest,
    digest,
    is_digest,
    parsing,
    read_json,
    read_npz,
    regular,
    sealed_json,
    write,
)
from zdl.kinds import is_record
from zdl.trial import CODE, ROUNDS, TRIALS, Trial

if TYPE_CHECKING:  # a trial process starts without what the layout needs
    from zdl.layout import Layout
    from zdl.samplers import Point

KEPT, WEIGHTS, DAMAGED = SHARED / "trials", SHARED / "weights", STORE / "damaged"
AN_HOUR = 3600  # seconds; no file is in the making for so long


def planned(plan: Path, names: Sequence[str]) -> list[Trial]:
    """The trials of those names, from their lines of the plan, or of a round's file: no other is parsed.

    A name in the plan holds the digest of all that determines the trial, so a line that is not the plan's is
    not found under it.
    """
    found, wanted = {}, set(names)
    with parsing(plan), regular(plan).open(encoding="utf-8") as lines:
        for line in lines:
            name = line[1:].partition('"')[0]
            if name and name in wanted and (told := json.loads(line.partition(": ")[2].rstrip(",\n"))):
                number, point, spec = told
                trial = Trial(number, point, spec, name)
                named = plan.parent == ROUNDS or trial.key == name
                if named and is_digest(trial.spec["split"]):
                    _check_fit(plan, spec)
                    found[name] = trial
    for name in names:
        if name not in found:
            raise Error(f"trial {name}: is not in {plan}; if params.yaml or the code changed, run again")
    return [found[name] for name in names]


def check_fit(plans: Iterable[Path]) -> None:
    """Fail where the trials of no plan can be trained: on a node of a cluster, say, that has another NumPy.
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
    """Under the name that a trial has in the plan, its record would hold what another NumPy or code gave."""
    here = {"numpy": np.__version__, "code": code_digest(*CODE)}
    for what, name in (("numpy", "NumPy's version"), ("code", "the digest of zdl's code")):
        if spec[what] != here[what]:
            has, needed = here[what][:12], str(spec[what])[:12]
            raise Error(f"{name} is {has}, but {needed} in {plan}; if the code changed, run again")


def obtain(
    trial: Trial, say: Callable[[str], None] | None = None, anew: bool = False, wait: bool = True
) -> None:
    """Have the record of `trial` in its place: from the store if it was ever trained here, else by training.

    `anew` trains in any case. `say` gets the book's lines as training goes on. Where another process is at
    it, its end is waited for, or, without `wait`, BlockingIOError raised.
    """
    kept = KEPT / f"{trial.key}.json"
    with _lock(trial.number, wait):
        data = None if anew else _whole(kept, trial) or _whole(trial.record, trial)
        if data is None:
            if log := os.environ.get("ZDL_TRAININGS"):  # a file that gets a line for each training: for tests
                with open(log, "a", encoding="utf-8") as file:
                    file.write(f"{trial.name}\n")
            data = trial.run(say)
        write(kept, data)
        write(trial.record, data)


def obtain_some(trials: Iterable[Trial], go_on: Callable[[], bool]) -> None:
    """Have the records of more trials in their places, as long as `go_on` says so.

    Left out are those that are there or that another process is at. This only saves time: the first failure
    ends it, and whoever asks for that trial by itself is told.
    """
    for trial in trials:
        if not go_on():
            return
        try:
            if not trial.record.exists():
                obtain(trial, wait=False)
        except BlockingIOError:
            continue
        except Exception:
            return


def _whole(path: Path, trial: Trial) -> bytes | None:
    try:
        read_json(path, trial.digest, trial.fits)
        return path.read_bytes()
    except (Damaged, OSError):
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
    probe = STORE / f"{os.getpid()}.probe"
    write(probe, bytes(2**16))
    probe.unlink(missing_ok=True)


def missing(wanted: Iterable[Trial]) -> list[Path]:
    """The records that are not there, or not whole."""
    return [trial.record for trial in wanted if _whole(trial.record, trial) is None]


def keep_only(wanted: Iterable[Path]) -> None:
    """Of records and rounds leave only these in their places: what DVC tracks is a function of the commit.
    Records of other searches move to the store; their rounds follow from them."""
    wanted = set(wanted)
    for path in {*TRIALS.glob("*")} - {ROUNDS, *wanted}:
        _keep(path)
    for path in {*ROUNDS.glob("*")} - wanted:
        path.unlink(missing_ok=True)


def _keep(record: Path) -> str:
    """Move a record to the store, where it lies under its trial's key; one that is there and whole stays. One
    that is damaged is set aside, with the line that is given."""
    if (key := _key(record)) is None:
        return _moved_aside(record, f"{record}: is damaged")
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"{key}.json"
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
    except (Damaged, OSError):
        return None


def prune(wanted: Iterable[Trial]) -> int:
    """Delete the stored records of other searches, the number of which is given; and with them what was set
    aside as damaged, what the killed left half made, and stored weights (today's are in their place)."""
    keys = {trial.key for trial in wanted}
    old = [path for path in KEPT.glob("*") if path.stem not in keys]
    litter = [path for path in (*STORE.glob("*.tmp"), *STORE.glob("*.probe")) if _age(path) > AN_HOUR]
    for path in (*old, *litter, *WEIGHTS.glob("*"), *DAMAGED.glob("*")):
        path.unlink(missing_ok=True)
    return len(old)


def _age(path: Path) -> float:
    """Seconds since a file was last written; 0 where it is no longer there."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def mend(layout: "Layout") -> list[str]:
    """Leave only what is whole for an engine to find: it takes whatever is there.

    What is damaged is moved out of the way and so made again; gives a line for each. The published files
    stay where they are (somebody may have edited them by hand); a receipt that no longer describes them is
    deleted instead, and their step runs again. A time stamp in the future becomes now: Snakemake refuses
    a result that is older than an input, even one whose time it is told to ignore.
    """
    lines = []
    if layout.rounds:
        with settled():
            layout = type(layout)(layout.settings)  # what is there by now, and not when the process began
            lines += _mend_rounds(layout)
    archives = (layout.raw, layout.prepared, layout.held_out, layout.split)
    records = (File(trial.record, trial.digest, is_record) for trial in layout.trials.values())
    texts = (layout.plan, layout.table, *records, *layout.confirmed, layout.baseline)
    receipts = (layout.ranked, layout.whole_receipt, layout.rendered, layout.weighted)
    lines += [_set_aside(file, read_npz) for file in archives]
    lines += [_set_aside(file, read_json) for file in texts]
    for receipt in receipts:
        if not vouches(receipt):
            receipt.path.unlink(missing_ok=True)
    if not layout.weighted.path.exists():
        _restore_weights(layout.weighted)
    now = time.time()
    paths = [file.path for file in (*archives, *texts, *receipts)] + [its.path for its in layout.rounds]
    for path in paths:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime > now:
                os.utime(path)
    return [line for line in lines if line]


def _mend_rounds(layout: "Layout") -> list[str]:
    """Leave no round, nor any record of one, from the first on that is not there or does not follow from what
    came before it: the search may go on otherwise from there. (Trials that come again are in the store.)"""
    place, line = _first_wrong(layout)
    lines, wrong = [line], layout.rounds[place:]
    for its in wrong[1:]:
        lines.append(_set_aside(File(its.path, its.digest), read_json))
        its.path.unlink(missing_ok=True)
    for path in layout.records(name for its in wrong for name in its.names):
        if path.exists():
            lines.append(_keep(path))
    return lines


def _first_wrong(layout: "Layout") -> tuple[int, str]:
    """The place among the later rounds of the first that is to be made, or made again, their number if none
    is; and what to say of its file, which was moved out of the way if it was there."""
    from zdl.rounds import history

    trials = list(layout.trials.values())
    seen: list[tuple[Point, float | None]] | None = []
    for place, its in enumerate(layout.rounds):
        if not its.path.exists():
            return place, ""
        earlier = trials[: its.start]
        if seen is not None:
            last = earlier[len(seen) :]
            try:
                records = [read_json(trial.record, trial.digest, is_record) for trial in last]
                seen += history((trial.point for trial in last), (record["outcome"] for record in records))
            except Damaged:
                seen = None  # a record is to be made again first: what followed from it is for the next run
        file = its.file(earlier)
        if line := _set_aside(file, read_json):
            return place, line
        if seen is not None and read_json(*file)["history"] != digest(seen):
            return place, _moved_aside(its.path, f"{its.path}: does not follow from the records before it")
    return len(layout.rounds), ""


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """A context in which no other process writes a round, or moves one."""
    with lock_file("rounds.lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _set_aside(file: File, read: Callable[..., object]) -> str:
    if file.path.exists():  # asked first: what is not there yet, a rival may be about to finish
        try:
            read(*file)
        except Damaged as damage:
            return _moved_aside(file.path, str(damage))
    return ""


def _moved_aside(path: Path, damage: str) -> str:
    DAMAGED.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # a rival was first
        os.replace(path, DAMAGED / path.name)
        return f"{damage}; it was moved to {DAMAGED} and will be made again"
    return ""


def publish(file: File, files: Mapping[Path, bytes], alone: bool = False) -> None:
    """Write `files` (`alone`: see `zdl.files.write`), then `file`, the receipt that says which bytes they are
    and what they were made from."""
    for path, data in files.items():
        write(path, data, alone)
    write(file.path, receipt(file, files))


def receipt(file: File, files: Mapping[Path, bytes]) -> bytes:
    """The receipt for `files`."""
    sums = {str(path): hashlib.sha256(data).hexdigest() for path, data in files.items()}
    return sealed_json({"digest": file.digest, "files": sums})


def publish_weights(receipt: File, path: Path, data: bytes) -> None:
    """`publish`, and keep them: DVC does not carry them, so that they would be lost with every other search
    that comes into the work tree, by `dvc checkout` or `dvc exp apply`."""
    write(WEIGHTS / f"{receipt.digest}{path.suffix}", data)
    publish(receipt, {path: data})


def _restore_weights(receipt: File) -> None:
    from zdl.layout import WEIGHTS as published
    from zdl.network import WEIGHTS as kind

    kept = WEIGHTS / f"{receipt.digest}{published.suffix}"
    with contextlib.suppress(Damaged):
        read_npz(kept, kind)
        publish(receipt, {published: kept.read_bytes()})


def vouches(receipt: File) -> bool:
    """Whether the published files are, byte for byte, those that today's settings gave."""
    try:
        sums: dict[str, str] = read_json(receipt.path, receipt.digest, _is_receipt)["files"]
        found = {path: hashlib.sha256(regular(path).read_bytes()).hexdigest() for path in sums}
        return found == sums
    except (Damaged, OSError):
        return False


def _is_receipt(contents: dict[str, Any]) -> bool:
    """Whether contents name files of this project, and no others."""
    return all(Path(path).resolve().is_relative_to(Path.cwd()) for path, _ in contents["files"].items())
