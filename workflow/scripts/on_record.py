"""Whether dvc.lock and reports/ fit what is here: for `make check` and `make review`.

dvc.lock holds the checksum of every file that a stage read and wrote, so that little is needed to tell: no
result, no training, only what Git carries. DVC is used through its files and its command line.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adapter import at, output, read_lock, read_yaml, say
from zdl import Error
from zdl.artifacts.artifact import Artifact
from zdl.artifacts.encoding import CorruptFileError, canonical
from zdl.artifacts.manifest import changed_files
from zdl.artifacts.manifest import manifest as manifest_of
from zdl.pipeline.paths import REPORTS, Paths

LOCK = Path("dvc.lock")
PIPELINE = Path("dvc.yaml")
REPRO = "`make repro` mends it"

Record = Mapping[str, Any]  # a stage in dvc.lock


class Stage(NamedTuple):
    """A stage of dvc.yaml: the paths it names, their checksums in dvc.lock, and what DVC finds changed."""

    name: str
    deps: set[str]  # with the files of its parameters
    outs: set[str]
    uncached: set[str]  # the outs that Git carries
    read: dict[str, str | None]  # path: checksum (None for a file of parameters)
    written: dict[str, str | None]
    changed: dict[str, Mapping[str, Any]]  # kind of change: paths


def check() -> list[str]:
    """What is wrong, a line each. Settings that do not hold are an `Error`."""
    paths = Paths.of("params.yaml")
    if not LOCK.exists():
        mend = "make repro" if at("HEAD", LOCK) is None else f"git checkout HEAD {LOCK}"
        return [f"{LOCK}: is not there; `{mend}` brings it"]
    records = checked(LOCK, read_lock)
    stages = pipeline(records)
    outs = {path: sum_ for stage in stages for path, sum_ in stage.written.items() if path in stage.outs}
    edited = sorted(sources(stages))
    wrong = dict(published(stages, remade=bool(edited)))
    lines = [*structure(stages, records), *chain(stages, outs)]
    vouched = not wrong and vouches(paths, outs)
    for path in edited:
        what = f"{path}: was edited after the run that {LOCK} records"
        then = "and trains nothing that is there" if vouched else "and makes what follows from it"
        note = ", though no result's digest has changed" if vouched else ""
        lines.append(f"{what}{note}; `make repro` records it {then}")
    lines += wrong.values()
    lines += strays({path for stage in stages for path in stage.outs})
    lines += [line for path, line in received(paths) if path not in wrong]
    if not lines and not vouched:
        lines = [f"{LOCK}: was recorded under other versions of the libraries, or by hand; {REPRO}"]
    if lines and at("HEAD", LOCK) not in (None, LOCK.read_bytes()):
        lines.append(
            f"{LOCK}: is not the last commit's; was that not meant, `git checkout HEAD {LOCK}` mends it"
        )
    return lines


def checked(path: Path, read: Callable[[str], Any]) -> Any:
    """The contents of one of DVC's files; one that `read` refuses, DVC would refuse too."""
    try:
        return read(path.read_text("utf-8"))
    except ValueError as error:
        raise Error(f"{path}: DVC does not take it ({error}); `git checkout HEAD {path}` mends it") from None


def pipeline(records: Mapping[str, Record]) -> list[Stage]:
    """The stages of dvc.yaml with what dvc.lock and `dvc status` say of them. (Stages that DVC makes of
    `foreach`, `matrix` or `${}` are not expanded: dvc.yaml has none.)"""
    document = checked(PIPELINE, read_yaml) or {}
    changes = status()  # DVC refuses a dvc.yaml of another structure than it documents
    stages = []
    for name, stage in document.get("stages", {}).items():
        record = records.get(name, {})
        outs = [*stage.get("outs", []), *stage.get("metrics", [])]
        options = {path: flags for out in outs if isinstance(out, dict) for path, flags in out.items()}
        params = {
            "params.yaml" if isinstance(key, str) else next(iter(key)) for key in stage.get("params", [])
        }
        stages.append(
            Stage(
                name,
                deps={*stage.get("deps", [])} | params,
                outs={out if isinstance(out, str) else next(iter(out)) for out in outs},
                uncached={path for path, flags in options.items() if flags.get("cache") is False},
                read={**dict.fromkeys(record.get("params", {})), **checksums(record, "deps")},
                written=checksums(record, "outs"),
                changed=by_kind(changes.get(name, [])),
            )
        )
    return stages


def status() -> dict[str, list[Any]]:
    """What DVC finds changed, by stage."""
    try:
        changes: dict[str, list[Any]] = json.loads(output("dvc", "status", "--json"))
        return changes
    except Error as error:
        edited = [str(path) for path in (PIPELINE, LOCK) if at("HEAD", path) not in (None, path.read_bytes())]
        back = f"; `git checkout HEAD {' '.join(edited)}` restores the last commit's" if edited else ""
        raise Error(f"{error}{back}") from None


def checksums(record: Record, kind: str) -> dict[str, str | None]:
    """What a stage in dvc.lock has under `deps` or `outs`, by path."""
    return {item["path"]: item.get("md5") for item in record.get(kind, [])}


def by_kind(changes: Iterable[str | Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """A stage in the output of `dvc status`, a list of texts and mappings, as one mapping."""
    return {
        kind: paths
        for change in changes
        for kind, paths in ({change: {}} if isinstance(change, str) else change).items()
    }


def structure(stages: list[Stage], records: Mapping[str, Record]) -> Iterator[str]:
    """Where dvc.yaml and dvc.lock do not speak of the same stages, commands and files."""
    anew = f"`rm {LOCK}`, then `make repro`, mends it"  # DVC itself does not look for what is too much
    for name in sorted(records.keys() - {stage.name for stage in stages}):
        yield f"{LOCK}: has the stage {name}, which dvc.yaml has not; {anew}"
    for stage in stages:
        if stage.name not in records:
            yield f"{LOCK}: lacks the stage {stage.name} of dvc.yaml; {REPRO}"
            continue
        if "changed command" in stage.changed:
            yield f"dvc.yaml: the command of the stage {stage.name} is not what {LOCK} records; {REPRO}"
        for kind, paths, known in (
            ("deps", stage.deps, stage.read.keys()),
            ("outs", stage.outs, stage.written.keys()),
        ):
            which = f"among the {kind} of the stage {stage.name}"
            for path in sorted(paths - known):
                yield f"{LOCK}: lacks {path} {which}; {REPRO}"
            for path in sorted(known - paths):
                yield f"{LOCK}: has {path} {which}, unlike dvc.yaml; {anew}"


def chain(stages: list[Stage], outs: Mapping[str, str | None]) -> Iterator[str]:
    """Where a stage was recorded with another file than the one that the stage before it made."""
    makers = {path: stage.name for stage in stages for path in stage.outs}
    for stage in stages:
        for path in sorted(stage.deps & stage.read.keys() & outs.keys()):
            if stage.read[path] != outs[path]:
                yield f"{LOCK}: has {stage.name} read another {path} than {makers[path]} made; {REPRO}"


def sources(stages: list[Stage]) -> set[str]:
    """The files that Git tracks and a stage reads (params.yaml, code, schemas) which are not as recorded."""
    made = {path for stage in stages for path in stage.outs}  # a fresh clone has none of them
    changed = {
        path for stage in stages for path in stage.changed.get("changed deps", {}) if path in stage.read
    }
    folders = {path for path in changed - made if Path(path).is_dir()}
    files = changed - made - folders
    if not folders:
        return files
    # A folder has one checksum in dvc.lock. Which of its files were edited since then, Git may know.
    since = output("git", "log", "-1", "--format=%H", "--", str(LOCK)).decode().strip() or "HEAD"
    for folder in folders:
        named = listed("diff", "--name-only", "--relative", since, "--", folder)
        named += listed("ls-files", "--others", "--exclude-standard", "--", folder)
        files |= set(named) or {folder}
    return files


def published(stages: list[Stage], remade: bool) -> Iterator[tuple[str, str]]:
    """Of the files under reports/ those that are not as recorded, and what to say; `remade` tells that a run
    is due anyway, which writes all of them."""
    wrong = {
        path: (change, stage.written[path])
        for stage in stages
        for path, change in stage.changed.get("changed outs", {}).items()
        if path in stage.uncached & stage.written.keys()
    }
    for path, (change, recorded) in sorted(wrong.items()):
        what = "is not there" if change == "deleted" else f"is not what {LOCK} records"
        last = at("HEAD", path)
        if not remade and last is not None and md5(last) == recorded:
            yield path, f"{path}: {what}; `git checkout HEAD {path}` mends it"
        else:
            yield path, f"{path}: {what}; {REPRO}"


def strays(outs: set[str]) -> Iterator[str]:
    """What lies in reports/, or is committed there, and no stage makes."""
    for path in listed("ls-files", "--cached", "--others", "--exclude-standard", "--", str(REPORTS)):
        if path not in outs and Path(path).exists():
            mend = f"rm {path}" if at("HEAD", path) is None else f"git rm --force {path}"
            yield f"{path}: no stage of dvc.yaml makes it; `{mend}` mends it"


def vouches(paths: Paths, outs: Mapping[str, str | None]) -> bool:
    """Whether dvc.lock records the manifests that today's settings, code and libraries, with the files under
    reports/ as they are, give. (A manifest holds digests only: see `zdl.artifacts.manifest`.)"""
    return all(
        outs.get(str(artifact.path.parent)) == md5_of_folder({artifact.path.name: manifest(artifact)})
        for artifact in (paths.rank_manifest, paths.render_manifest)
    )


def manifest(artifact: Artifact) -> bytes:
    """The manifest of published files as they are."""
    return manifest_of(artifact, {path: path.read_bytes() for path in artifact.published.values()})


def received(paths: Paths) -> Iterator[tuple[str, str]]:
    """Of the files under reports/ those that a run here wrote otherwise, from today's settings and code, as
    its manifest tells if it is here."""
    for artifact in (paths.rank_manifest, paths.render_manifest):
        try:
            changed = changed_files(artifact)
        except CorruptFileError:
            continue
        for path in filter(os.path.exists, changed):
            yield path, f"{path}: is not what the run here wrote, as {artifact.path} tells; {REPRO}"


def retrain() -> list[str]:
    """Which files of a whole run from nothing are not those that are here."""
    with tempfile.TemporaryDirectory(prefix="zdl-check-") as name:
        folder = Path(name)
        for path in listed("ls-files", "--cached", "--others", "--exclude-standard"):
            if Path(path) != LOCK and not Path(path).is_relative_to(REPORTS) and Path(path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, folder / path)
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        env["PYTHONPATH"] = str(folder / "src")
        subprocess.run(["git", "init", "--quiet"], cwd=folder, env=env, check=True)
        say(f"everything is made anew in {folder}")
        run = [sys.executable, "workflow/scripts/repro.py"]
        if subprocess.run(run, cwd=folder, env=env, stdout=sys.stderr, check=False).returncode:
            raise Error("params.yaml: what it describes could not be made anew (why stands above)")
        return list(differing(contents(Path()), contents(folder)))


def differing(here: Mapping[str, bytes], anew: Mapping[str, bytes]) -> Iterator[str]:
    """A line for each file that is not the same in both."""
    for path in sorted(here.keys() | anew.keys()):
        if path not in anew:
            yield f"{path}: does not come of a run; `git rm --force {path}` mends it"
        elif here.get(path) != anew[path]:
            what = "comes out otherwise" if path in here else "is lacking"
            yield f"{path}: {what} when everything is made anew; `make clean repro` mends it"


def contents(folder: Path) -> dict[str, bytes]:
    """All files under reports/, by their names from `folder`; and dvc.lock, but for the order of its stages,
    which is the one in which they came to it: DVC leaves those that are there where they are."""
    paths = (path for path in (folder / REPORTS).rglob("*") if path.is_file())
    lock = canonical(read_yaml((folder / LOCK).read_text("utf-8")))
    return {str(LOCK): lock, **{str(path.relative_to(folder)): path.read_bytes() for path in paths}}


def stale(lock: bytes, files: Callable[[str], bytes | None]) -> list[str]:
    """The settings and published files, read by `files`, which differ from those that a dvc.lock records."""
    sums = {
        path: sum_
        for record in read_lock(lock.decode()).values()
        for path, sum_ in {**checksums(record, "deps"), **checksums(record, "outs")}.items()
        if path == "params.yaml" or Path(path).is_relative_to(REPORTS)
    }
    return [path for path, sum_ in sums.items() if (data := files(path)) is None or md5(data) != sum_]


def listed(*arguments: str) -> list[str]:
    """The files that Git names."""
    names = output("git", arguments[0], "-z", *arguments[1:]).decode().split("\0")
    return sorted({name for name in names if name})


def md5(data: bytes) -> str:
    """The checksum by which DVC records a file."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_of_folder(files: Mapping[str, bytes]) -> str:
    """The checksum by which DVC records a directory: that of the list of its files, in JSON."""
    entries = [{"md5": md5(files[name]), "relpath": name} for name in sorted(files)]
    return f"{md5(json.dumps(entries).encode())}.dir"
