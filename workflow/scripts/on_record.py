"""What DVC has on record in dvc.lock, held against what is here: for `make check` and `make review`.

dvc.lock has the checksums of all that each stage read and wrote, so that little is needed to tell: no result,
no training, only what Git carries.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapter import at, say
from zdl import Error, store
from zdl.files import Damaged, canonical, read_json
from zdl.layout import RANKED, RENDERED, REPORTS, Layout

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.stage import PipelineStage as Stage

LOCK = Path("dvc.lock")
REPRO = "`make repro` mends it"


def check() -> list[str]:
    """What is wrong, a line each. Settings that do not hold are an `Error`."""
    layout = Layout.of("params.yaml")
    if not LOCK.exists():
        mend = "make repro" if at("HEAD", LOCK) is None else f"git checkout HEAD {LOCK}"
        return [f"{LOCK}: is not there; `{mend}` brings it"]
    stages, lock = recorded()
    outs = {out.def_path: out for stage in stages for out in stage.outs}
    edited = sorted(sources(stages, outs))
    wrong = dict(published(outs, remade=bool(edited)))
    found = [*structure(stages, lock), *chain(stages, outs)]
    vouched = not wrong and vouches(layout, outs)
    for path in edited:
        what = f"{path}: was edited after the run that {LOCK} records"
        then = "and trains nothing that is there" if vouched else "and makes what follows from it"
        note = ", though no result's digest has changed" if vouched else ""
        found.append(f"{what}{note}; `make repro` records it {then}")
    found += wrong.values()
    found += [*strays(outs), *(line for path, line in received(layout) if path not in wrong)]
    if not found and not vouched:
        found = [f"{LOCK}: was recorded under other versions of the libraries, or by hand; {REPRO}"]
    if found and at("HEAD", LOCK) not in (None, LOCK.read_bytes()):
        found.append(
            f"{LOCK}: is not the last commit's; was that not meant, `git checkout HEAD {LOCK}` mends it"
        )
    return found


def recorded() -> tuple[list["Stage"], Mapping[str, Any]]:
    """The stages of dvc.yaml, filled with what dvc.lock records of them; and the stages in dvc.lock, as they
    stand there."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            stages = list(repo.index.stages)
            return stages, stages[0].dvcfile.lockfile_contents.get("stages", {})
    except DvcException as error:
        path = LOCK if str(LOCK) in str(error) else Path("dvc.yaml")
        told = " ".join(str(error).split())
        raise Error(f"{path}: DVC does not take it ({told}); `git checkout HEAD {path}` mends it") from None


def structure(stages: list["Stage"], lock: Mapping[str, Any]) -> Iterator[str]:
    """Where dvc.yaml and dvc.lock do not speak of the same stages, commands and files."""
    anew = f"`rm {LOCK}`, then `make repro`, mends it"  # DVC itself does not look for what is too much
    for name in sorted(lock.keys() - {stage.name for stage in stages}):
        yield f"{LOCK}: has the stage {name}, which dvc.yaml has not; {anew}"
    for stage in stages:
        if stage.name not in lock:
            yield f"{LOCK}: lacks the stage {stage.name} of dvc.yaml; {REPRO}"
            continue
        if stage.cmd_changed:
            yield f"dvc.yaml: the command of the stage {stage.name} is not what {LOCK} records; {REPRO}"
        for kind, items in (("deps", stage.deps), ("outs", stage.outs)):
            which = f"among the {kind} of the stage {stage.name}"
            named = {item.def_path for item in items if not isinstance(item.hash_info.value, dict)}
            known = {item["path"] for item in lock[stage.name].get(kind, [])}
            for path in sorted(named - known):
                yield f"{LOCK}: lacks {path} {which}; {REPRO}"
            for path in sorted(known - named):
                yield f"{LOCK}: has {path} {which}, unlike dvc.yaml; {anew}"


def chain(stages: list["Stage"], outs: Mapping[str, "Output"]) -> Iterator[str]:
    """Where a stage was recorded with another file than the one that the stage before it made."""
    for stage in stages:
        for dep in stage.deps:
            made = outs.get(dep.def_path)
            if made and made.hash_info and dep.hash_info and made.hash_info != dep.hash_info:
                path = dep.def_path
                yield f"{LOCK}: has {stage.name} read another {path} than {made.stage.name} made; {REPRO}"


def sources(stages: list["Stage"], outs: Mapping[str, "Output"]) -> set[str]:
    """The files that Git tracks and a stage reads (params.yaml, code, schemas) which are not as recorded."""
    edited, folders = set(), set()
    for stage in stages:
        for dep in stage.deps:
            if dep.def_path not in outs and dep.hash_info and dep.workspace_status():
                (folders if Path(dep.def_path).is_dir() else edited).add(dep.def_path)
    since = git("log", "-1", "--format=%H", "--", str(LOCK)).decode().strip() or "HEAD"
    for folder in folders:  # of which only one checksum is recorded: what was edited since then, Git may know
        named = listed("diff", "--name-only", "--relative", since, "--", folder)
        named += listed("ls-files", "--others", "--exclude-standard", "--", folder)
        edited |= set(named) or {folder}
    return edited


def published(outs: Mapping[str, "Output"], remade: bool) -> Iterator[tuple[str, str]]:
    """Of the files under reports/ those that are not as recorded, and what to say; `remade` tells that a run
    is due anyway, which writes all of them."""
    for path, out in sorted(outs.items()):
        if out.use_cache or not out.hash_info or not (status := out.workspace_status()):
            continue
        what = "is not there" if "deleted" in status.values() else f"is not what {LOCK} records"
        last = at("HEAD", path)
        if not remade and last is not None and md5(last) == out.hash_info.value:
            yield path, f"{path}: {what}; `git checkout HEAD {path}` mends it"
        else:
            yield path, f"{path}: {what}; {REPRO}"


def strays(outs: Mapping[str, "Output"]) -> Iterator[str]:
    """What lies in reports/, or is committed there, and no stage makes."""
    for path in listed("ls-files", "--cached", "--others", "--exclude-standard", "--", str(REPORTS)):
        if path not in outs and Path(path).exists():
            mend = f"rm {path}" if at("HEAD", path) is None else f"git rm --force {path}"
            yield f"{path}: no stage of dvc.yaml makes it; `{mend}` mends it"


def vouches(layout: Layout, outs: Mapping[str, "Output"]) -> bool:
    """Whether dvc.lock records the receipts that today's settings, code and libraries, with the files under
    reports/ as they are, give. (A receipt holds digests only: see `zdl.store`.)"""
    for file, paths in ((layout.ranked, RANKED), (layout.rendered, RENDERED)):
        receipt = store.receipt(file, {path: path.read_bytes() for path in paths})
        out = outs.get(str(file.path))
        if not out or not out.hash_info or out.hash_info.value != md5(receipt):
            return False
    return True


def received(layout: Layout) -> Iterator[tuple[str, str]]:
    """Of the files under reports/ those that a run here wrote otherwise, from today's settings and code, as
    its receipt tells if it is here."""
    for file in (layout.ranked, layout.rendered):
        try:
            sums = read_json(*file)["files"]
        except Damaged:
            continue
        for path, wanted in sums.items():
            if Path(path).exists() and hashlib.sha256(Path(path).read_bytes()).hexdigest() != wanted:
                yield path, f"{path}: is not what the run here wrote, as {file.path} tells; {REPRO}"


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
    from ruamel.yaml import YAML

    paths = (path for path in (folder / REPORTS).rglob("*") if path.is_file())
    lock = canonical(YAML(typ="safe").load(folder / LOCK))
    return {str(LOCK): lock, **{str(path.relative_to(folder)): path.read_bytes() for path in paths}}


def stale(lock: bytes, files: Callable[[str], bytes | None]) -> list[str]:
    """The settings and published files, read by `files`, which differ from those that a dvc.lock records."""
    from ruamel.yaml import YAML

    sums = {
        item["path"]: item["md5"]
        for stage in YAML(typ="safe", pure=True).load(lock)["stages"].values()
        for item in [*stage.get("deps", []), *stage.get("outs", [])]
        if item["path"] == "params.yaml" or Path(item["path"]).is_relative_to(REPORTS)
    }
    return [path for path, sum_ in sums.items() if (data := files(path)) is None or md5(data) != sum_]


def git(*arguments: str) -> bytes:
    """What Git prints; nothing if it fails, as it does for what it does not know."""
    return subprocess.run(["git", *arguments], capture_output=True, check=False).stdout


def listed(*arguments: str) -> list[str]:
    """The files that Git names."""
    return sorted({name for name in git(arguments[0], "-z", *arguments[1:]).decode().split("\0") if name})


def md5(data: bytes) -> str:
    """The checksum by which DVC records a file."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
