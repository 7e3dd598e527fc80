"""Check dvc.lock and reports/ against the settings and the code, for `make check` and `make review`.

dvc.lock has the checksum of every file that a stage read and wrote. The check therefore needs no results and
no training, only the files in Git. DVC is used through its files and its command line.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adapter import say
from lockfile import read_lock, read_yaml
from tools import copy_project, list_files, output, read_at, require_git
from zdl import Error
from zdl.artifacts.artifact import Artifact
from zdl.artifacts.encoding import CorruptFileError, canonical
from zdl.artifacts.manifest import changed_files
from zdl.artifacts.manifest import manifest as manifest_of
from zdl.pipeline.paths import REPORTS, Paths

LOCK = Path("dvc.lock")
PIPELINE = Path("dvc.yaml")
REPRO = "`make repro` fixes it"

Record = Mapping[str, Any]  # a stage in dvc.lock


class Stage(NamedTuple):
    """A stage of dvc.yaml: its paths, their checksums in dvc.lock, and the changes that DVC finds."""

    name: str
    deps: set[str]  # including the files of its parameters
    outs: set[str]
    uncached: set[str]  # the outs that Git tracks
    read: dict[str, str | None]  # path: checksum (None for a file of parameters)
    written: dict[str, str | None]
    changed: dict[str, Mapping[str, Any]]  # kind of change: paths


def check() -> list[str]:
    """The findings, one line each. Invalid settings raise an `Error`."""
    require_git("make check")
    paths = Paths.of("params.yaml")
    if not LOCK.exists():
        committed = read_at("HEAD", LOCK) is not None
        fix = f"`git checkout HEAD {LOCK}` restores" if committed else "`make repro` makes"
        return [f"{LOCK}: is missing; {fix} it"]
    records = checked(LOCK, read_lock)
    stages = pipeline(records)
    outs = {path: sum_ for stage in stages for path, sum_ in stage.written.items() if path in stage.outs}
    edited_files = sorted(sources(stages))
    published_lines = dict(published(stages, run_due=bool(edited_files)))
    lines = [*structure(stages, records), *chain(stages, outs)]
    unchanged = not published_lines and manifests_match(paths, outs)
    note, work = "", "makes everything that depends on it"
    if unchanged:
        note, work = ", but no result's digest has changed", "trains only what is missing"
    for path in edited_files:
        edit = f"{path}: was edited after the run that {LOCK} records"
        lines.append(f"{edit}{note}; `make repro` records it and {work}")
    lines += published_lines.values()
    lines += strays({path for stage in stages for path in stage.outs})
    lines += [line for path, line in locally_changed(paths) if path not in published_lines]
    if not lines and not unchanged:
        lines = [f"{LOCK}: was recorded with other versions of the libraries, or edited by hand; {REPRO}"]
    if lines and read_at("HEAD", LOCK) not in (None, LOCK.read_bytes()):
        lines.append(
            f"{LOCK}: differs from the last commit; if unintended, `git checkout HEAD {LOCK}` restores it"
        )
    return lines


def checked(path: Path, read: Callable[[str], Any]) -> Any:
    """The contents of one of DVC's files. If `read` refuses it, DVC would refuse it, too."""
    try:
        return read(path.read_text("utf-8"))
    except ValueError as error:
        raise Error(f"{path}: DVC cannot read it ({error}); `git checkout HEAD {path}` restores it") from None


def pipeline(records: Mapping[str, Record]) -> list[Stage]:
    """The stages of dvc.yaml, with what dvc.lock and `dvc status` say about them. (`foreach`, `matrix` and
    `${}` are not expanded: dvc.yaml does not use them.)"""
    document = checked(PIPELINE, read_yaml) or {}
    changes = status()  # DVC checks the structure of dvc.yaml
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
    """The changes that DVC finds, by stage."""
    try:
        changes: dict[str, list[Any]] = json.loads(output("dvc", "status", "--json"))
        return changes
    except Error as error:
        paths = (path for path in (PIPELINE, LOCK) if str(path) in str(error))  # only these can cause it
        names = [str(path) for path in paths if read_at("HEAD", path) not in (None, path.read_bytes())]
        back = f"; `git checkout HEAD {' '.join(names)}` restores the last commit" if names else ""
        raise Error(f"{error}{back}") from None


def checksums(record: Record, kind: str) -> dict[str, str | None]:
    """The checksums under `deps` or `outs` of a stage in dvc.lock, by path."""
    return {item["path"]: item.get("md5") for item in record.get(kind, [])}


def by_kind(changes: Iterable[str | Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Merge the changes of a stage in the output of `dvc status`: they are a list of texts and mappings."""
    return {
        kind: paths
        for change in changes
        for kind, paths in ({change: {}} if isinstance(change, str) else change).items()
    }


def structure(stages: list[Stage], records: Mapping[str, Record]) -> Iterator[str]:
    """Differences between dvc.yaml and dvc.lock in stages, commands and files."""
    remove = f"`rm {LOCK}` and then `make repro` fix it"  # DVC ignores entries that it does not need
    for name in sorted(records.keys() - {stage.name for stage in stages}):
        yield f"{LOCK}: has the stage {name}, unlike dvc.yaml; {remove}"
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
            place = f"among the {kind} of the stage {stage.name}"
            for path in sorted(paths - known):
                yield f"{LOCK}: lacks {path} {place}; {REPRO}"
            for path in sorted(known - paths):
                yield f"{LOCK}: has {path} {place}, unlike dvc.yaml; {remove}"


def chain(stages: list[Stage], outs: Mapping[str, str | None]) -> Iterator[str]:
    """Stages whose recorded input is not the recorded output of the stage that makes it."""
    makers = {path: stage.name for stage in stages for path in stage.outs}
    for stage in stages:
        for path in sorted(stage.deps & stage.read.keys() & outs.keys()):
            if stage.read[path] != outs[path]:
                yield f"{LOCK}: has {stage.name} read another {path} than {makers[path]} made; {REPRO}"


def sources(stages: list[Stage]) -> set[str]:
    """The files of Git that a stage reads (params.yaml, code, schemas) and that differ from dvc.lock."""
    outs = {path for stage in stages for path in stage.outs}  # a fresh clone has none of them
    changed = {
        path for stage in stages for path in stage.changed.get("changed deps", {}) if path in stage.read
    }
    folders = {path for path in changed - outs if Path(path).is_dir()}
    files = changed - outs - folders
    if not folders:
        return files
    # A folder has a single checksum in dvc.lock. Git may know which of its files were edited since then.
    revision = output("git", "log", "-1", "--format=%H", "--", str(LOCK)).decode().strip() or "HEAD"
    for folder in folders:
        names = list_files("--name-only", "--relative", revision, "--", folder, command="diff")
        names += list_files("--others", "--exclude-standard", "--", folder)
        files |= set(names) or {folder}
    return files


def published(stages: list[Stage], run_due: bool) -> Iterator[tuple[str, str]]:
    """The files under reports/ that differ from dvc.lock, each with a line. With `run_due`, a run is needed
    anyway, and writes all of them."""
    differences = {
        path: (change, stage.written[path])
        for stage in stages
        for path, change in stage.changed.get("changed outs", {}).items()
        if path in stage.uncached & stage.written.keys()
    }
    for path, (change, checksum) in sorted(differences.items()):
        problem = "is missing" if change == "deleted" else f"is not what {LOCK} records"
        last = read_at("HEAD", path)
        if not run_due and last is not None and md5(last) == checksum:
            yield path, f"{path}: {problem}; `git checkout HEAD {path}` restores it"
        else:
            yield path, f"{path}: {problem}; {REPRO}"


def strays(outs: set[str]) -> Iterator[str]:
    """Files in reports/, committed or not, that no stage makes."""
    for path in list_files("--cached", "--others", "--exclude-standard", "--", str(REPORTS)):
        if path not in outs and Path(path).exists():
            remove = f"rm {path}" if read_at("HEAD", path) is None else f"git rm --force {path}"
            yield f"{path}: no stage of dvc.yaml makes it; `{remove}` removes it"


def manifests_match(paths: Paths, outs: Mapping[str, str | None]) -> bool:
    """Whether dvc.lock records the manifests that follow from the current settings, code, libraries and files
    under reports/. (A manifest has digests only: see `zdl.artifacts.manifest`.)"""
    folders: dict[str, dict[str, bytes]] = {}
    for artifact in paths.published:
        folders.setdefault(str(artifact.path.parent), {})[artifact.path.name] = manifest(artifact)
    return all(outs.get(folder) == md5_of_folder(files) for folder, files in folders.items())


def manifest(artifact: Artifact) -> bytes:
    """The manifest of the published files in their current state."""
    return manifest_of(artifact, {path: path.read_bytes() for path in artifact.published.values()})


def locally_changed(paths: Paths) -> Iterator[tuple[str, str]]:
    """The files under reports/ that differ from what a run here wrote with the current settings and code,
    according to the run's manifest, if there is one."""
    for artifact in paths.published:
        try:
            changed = changed_files(artifact)
        except CorruptFileError:
            continue
        for path in filter(os.path.exists, changed):
            yield path, f"{path}: is not what the run here wrote, according to {artifact.path}; {REPRO}"


def retrain() -> list[str]:
    """Run everything from scratch in a temporary folder, and return the files that differ."""
    with tempfile.TemporaryDirectory(prefix="zdl-check-") as name:
        folder = Path(name)
        copy_project(folder)
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        env["PYTHONPATH"] = str(folder / "src")
        output("git", "init", "--quiet", name, env=env)
        say(f"making everything again in {folder}")
        run = [sys.executable, "workflow/scripts/repro.py"]
        if subprocess.run(run, cwd=folder, env=env, stdout=sys.stderr, check=False).returncode:
            raise Error("the run from scratch failed (see above)")
        return list(differences(contents(Path()), contents(folder)))


def differences(here: Mapping[str, bytes], scratch: Mapping[str, bytes]) -> Iterator[str]:
    """A line for each file that differs between here and a run from scratch."""
    for path in sorted(here.keys() | scratch.keys()):
        if path not in scratch:
            yield f"{path}: a run from scratch does not make it; `git rm --force {path}` removes it"
        elif here.get(path) != scratch[path]:
            problem = "a run from scratch gives another one" if path in here else "is missing"
            yield f"{path}: {problem}; `make clean repro` fixes it"


def contents(folder: Path) -> dict[str, bytes]:
    """All files under reports/, by their paths in `folder`, and dvc.lock without the order of its stages: DVC
    appends new stages and never reorders them."""
    paths = (path for path in (folder / REPORTS).rglob("*") if path.is_file())
    lock = canonical(read_yaml((folder / LOCK).read_text("utf-8")))
    return {str(LOCK): lock, **{str(path.relative_to(folder)): path.read_bytes() for path in paths}}


def stale(lock: bytes, files: Callable[[str], bytes | None]) -> list[str]:
    """The settings and published files, read by `files`, that differ from what a dvc.lock records."""
    sums = {
        path: sum_
        for record in read_lock(lock.decode()).values()
        for path, sum_ in {**checksums(record, "deps"), **checksums(record, "outs")}.items()
        if path == "params.yaml" or Path(path).is_relative_to(REPORTS)
    }
    return [path for path, sum_ in sums.items() if (data := files(path)) is None or md5(data) != sum_]


def md5(data: bytes) -> str:
    """The checksum with which DVC records a file."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def md5_of_folder(files: Mapping[str, bytes]) -> str:
    """The checksum with which DVC records a directory: that of the list of its files, in JSON."""
    entries = [{"md5": md5(files[name]), "relpath": name} for name in sorted(files)]
    return f"{md5(json.dumps(entries).encode())}.dir"
