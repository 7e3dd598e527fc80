"""What a run does not find: it ends before any training, in one line, and leaves the disk as it was."""

import ast
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.config.test_settings import BROKEN, is_line
from tests.engines import ENGINES, ROOT, TRIALS, Clone, programs

RUN = """
import json, runpy, sys
sys.path.insert(0, "workflow/scripts")
for number, text in enumerate(json.load(open(sys.argv[1]))):
    open("params.yaml", "wb").write(text.encode("latin-1"))
    script = SCRIPTS[number % len(SCRIPTS)]
    sys.argv[1:] = ["7"] * (script in ("trial", "propose", "replicate", "figure"))
    try:
        runpy.run_path(f"workflow/scripts/{script}.py", run_name="__main__")
        print(json.dumps("went on"))
    except SystemExit as end:  # Python prints the text of one, and exits with 1
        print(json.dumps(end.code))
"""
SCRIPTS = (
    "download",
    "prepare",
    "split",
    "plan",
    "trial",
    "trials",
    "aggregate",
    "rank",
    "weights",
    "draw_trials",
    "draw_replicates",
    "pages",
    "prune",
    "propose",
    "replicate",
    "replicates",
    "baseline",
    "check",
)

MODULES = {"adapter", "lockfile", "on_record", "tools"}  # which scripts import
EVERY = sorted({path.stem for path in (ROOT / "workflow/scripts").glob("*.py")} - MODULES)


@pytest.fixture
def clone(fresh, tmp_path):
    return fresh.copy(tmp_path / "zdl")


@pytest.fixture(scope="session")
def whole(fresh, tmp_path_factory):
    """A clone for commands that are refused whatever is in it."""
    return fresh.copy(tmp_path_factory.mktemp("whole") / "zdl")


def tree(clone):
    """All files of a clone but for Snakemake's log and DVC's scratch files, with what is in them."""
    own = {".git", "log", "iocache", "tmp", "__pycache__"}
    return {
        path: path.read_bytes()
        for path in clone.path.rglob("*")
        if path.is_file() and not own & set(path.relative_to(clone.path).parts)
    }


def refused(clone, *command, line, **env):
    """The command fails, says `line` once, has no stack trace, writes no file, trains nothing."""
    before = tree(clone)
    said = clone.run(*command, ok=False, **env)
    assert sum(line in text for text in said.splitlines()) == 1, said
    assert "Traceback" not in said
    assert tree(clone) == before
    assert clone.trained() == []
    return said


def test_every_broken_setting_stops_every_script(clone, tmp_path):
    """The table of broken files, in one process: each script gets its share, and refuses by one line."""
    texts = [content for content, _ in BROKEN]
    assert len(texts) > 150
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([as_bytes(text).decode("latin-1") for text in texts]))
    before = set(tree(clone))
    said = clone.run("python", "-c", f"SCRIPTS = {SCRIPTS}\n{RUN}", str(cases))
    lines = [json.loads(line) for line in said.splitlines()]
    for line, (_, expected) in zip(lines, BROKEN, strict=True):
        assert is_line(line, f"params.yaml: {expected}") and line.isprintable()
    assert set(tree(clone)) == before
    assert clone.trained() == []


def as_bytes(content):
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    return content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")


def test_broken_settings_stop_both_engines(clone):
    for command, text, line in (
        ("snakemake -n", "split: [", "params.yaml: line 1, column 9: "),
        (
            "dvc repro",
            "problem: book\ndata: {subsample: 1}",
            "params.yaml: data.source: is missing (needed: source, subsample) (and ",
        ),
        ("dvc repro", "seed: 1", " are missing from 'params.yaml'"),  # in DVC's words ...
        ("dvc repro", "split: [", "unable to read: 'params.yaml'"),  # ... which looks before any stage runs
    ):
        (clone.path / "params.yaml").write_text(text)
        refused(clone, *command.split(), line=line)


def test_a_wrong_value_stops_both_engines(clone):
    clone.search(lr=(1e-2, 1e-6))
    for command in ("snakemake --cores 1", "snakemake -n", "dvc repro", "python workflow/scripts/split.py"):
        assert "0.01" in refused(clone, *command.split(), line="search.space.lr")


def test_a_setting_on_the_command_line_is_refused(whole):
    line = "--config trials: settings are in params.yaml and nowhere else"
    refused(whole, "snakemake", "--cores", "1", "--config", "trials=3", line=line)


def test_missing_settings_are_named(clone):
    (clone.path / "params.yaml").unlink()
    for command in ("snakemake -n", "python workflow/scripts/plan.py"):
        refused(clone, *command.split(), line="params.yaml: cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("cd tests && snakemake --cores 1 --snakefile ../Snakefile", "run snakemake in {}"),
        ("cd /tmp && snakemake -n --snakefile {}/Snakefile", "run snakemake in {}"),
        ("snakemake -n --directory tests", "run snakemake in {}"),
        *((f"cd tests && python ../workflow/scripts/{script}.py 7", "run this in {}") for script in EVERY),
    ],
)
def test_another_directory_is_told_which_one_is_the_project(whole, command, line):
    line = line.format(whole.path)
    said = refused(whole, "bash", "-c", command.format(whole.path), line=line)
    assert f"{'/tmp' if '/tmp' in command else whole.path / 'tests'}: is not the project's folder" in said


def test_a_ranking_edited_by_hand_is_one_line(clone):
    (clone.path / "reports").mkdir()
    (clone.path / "reports/made_from.json").write_text("{}")
    for text in (b"", b"\xff", b"rank,trial\n1,2\n"):
        (clone.path / "reports/ranking.csv").write_bytes(text)
        refused(clone, "python", "workflow/scripts/best.py", line="ranking.csv: does not hold what it should")


# No permission, and no room.


def bound(request):
    """What to put before a command so that file modes hold for it: root is above them."""
    if os.geteuid():
        return []
    drop = ["setpriv", "--bounding-set=-dac_override"]
    if not shutil.which(drop[0]) or subprocess.run([*drop, "true"], check=False).returncode:
        pytest.skip(f"{request.node.name}: root, and no setpriv to put it under file modes")
    return drop


@pytest.fixture
def modes(clone):
    """Takes write permission away from folders of the clone; gives it back in the end."""
    taken = []

    def take(*folders):
        for folder in folders:
            taken.append(folder)
            folder.chmod(0o555)

    yield take
    for folder in taken:
        folder.chmod(0o755)


def test_a_project_that_cannot_be_written_to(clone, modes, request):
    shutil.rmtree(clone.path / ".zdl")
    modes(*[path for path in [clone.path, *clone.path.rglob("*")] if path.is_dir()])
    even = "zdl: cannot be written to (Snakemake writes to .snakemake even in a dry run)"
    for command, line in (
        ("snakemake --cores 1", even),
        ("snakemake -n", even),
        ("python workflow/scripts/plan.py", "results: Permission denied"),
        ("python workflow/scripts/trials.py", ".zdl: Permission denied"),
        ("dvc repro", "Permission denied: '"),
        ("make trial C=1", "Permission denied: '"),
    ):
        refused(clone, *bound(request), *command.split(), line=line)


PLACES = ("results/trials", "reports", "logs/rank.log", ".zdl/locks", ".snakemake")


def test_a_place_that_cannot_be_written_to_is_named_before_any_work_and_a_dry_run_needs_none(
    searched, modes, request, tmp_path
):
    clone = searched.copy(tmp_path / "searched")
    (clone.path / ".zdl/rounds.lock").touch()
    clone.edit(report={"best": 3})
    for place in PLACES:
        modes(clone.path / place)
        refused(clone, *bound(request), "snakemake", "--cores", "1", line=f"/{place}: cannot be written to")
        (clone.path / place).chmod(0o755)
    notes = clone.path / ".snakemake/iocache"  # to which Snakemake writes even then
    modes(*[path for path in {clone.path, *clone.path.rglob("*")} - {notes} if path.is_dir()])
    assert "1 pages, 1 rank" in clone.run(*bound(request), "snakemake", "-n")
    modes(notes)
    refused(clone, *bound(request), "snakemake", "-n", line="iocache: cannot be written to (Snakemake")


LINKED = """
mount -t tmpfs none {disk} || exit 77
for folder in data results reports logs; do mv $folder {disk} && ln -s {disk}/$folder $folder; done
snakemake -n
sed -i 's/^  trials: 6/  trials: 7/' params.yaml
snakemake --cores 2 trials rank
echo torn >> results/trials/0001-*
snakemake --cores 2 trials rank
snakemake --cores 2 trials rank
find . {disk}/ -name '*.tmp'
"""


def test_folders_may_be_links_to_another_disk(searched, request, tmp_path):
    clone, disk = searched.copy(tmp_path / "zdl"), tmp_path / "disk"
    clone.trainings()
    disk.mkdir()
    said = clone.run(*mounts(request), "bash", "-euc", LINKED.format(disk=disk))
    looked, edited, repaired, last = said.split("Using workflow specific profile")[1:]
    assert "Nothing to be done" in looked and "1 trial," in edited and "1 repair, 1 trial" in repaired
    assert last.rstrip().endswith("Nothing to be done (all requested files are present and up to date).")
    assert len(clone.trained()) == 1 and (clone.path / "results").is_symlink()


def mounts(request):
    """What to put before a command so that it can mount a disk that nobody else sees."""
    unshare = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip(f"{request.node.name}: no mounts of its own (unshare)")
    return unshare


def test_dvcs_cache_may_be_elsewhere_and_linked(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    clone.run("dvc", "cache", "dir", str(tmp_path / "cache"))
    clone.run("dvc", "config", "cache.type", "symlink")
    (clone.path / ".dvc/cache").rename(tmp_path / "cache")
    clone.run("dvc", "checkout", "--relink")
    assert all(path.is_symlink() for path in clone.records())
    assert "Nothing to be done" in clone.run("snakemake", "--cores", "1")
    clone.edit(search={"trials": TRIALS - 1})
    clone.engine("dvc", "trials")
    gone = clone.path / ".zdl/trials" / min(recorded.names() - clone.names(), default="")
    assert not gone.with_suffix(".json").is_symlink()
    clone.revert()
    clone.engine("snakemake", "trials")
    assert clone.trained() == []


@pytest.mark.parametrize(
    ("command", "code"),
    [("snakemake --cores 2", 130), ("dvc repro", 255), ("python {}/trial.py --verbose 3", 130)],
)
def test_ctrl_c_is_told_in_a_line_and_keeps_what_was_finished(searched, tmp_path, command, code):
    clone, engine = searched.copy(tmp_path / "zdl"), "trial.py" not in command
    lock = clone.path / ".zdl/locks/0003.lock"
    lock.unlink()
    if engine:
        clone.edit(search={"seed": 9})
    slow = {"PYTHONPATH": f"{ROOT / 'tests/faults'}{os.pathsep}{clone.path}/src", "ZDL_SLOW": "2"}
    slow["PYTHONWARNINGS"] = "ignore:coroutine:RuntimeWarning"  # Snakemake's own, between two jobs
    done = subprocess.Popen(
        command.format("workflow/scripts").split(), cwd=clone.path, env=clone.env | slow, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (len(clone.logged()) >= 3 if engine else lock.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(done.pid, signal.SIGINT)
    said, _ = done.communicate(timeout=60)
    assert done.returncode == code and "Traceback" not in said
    if engine:
        _, *after = said.partition("interrupted; what was finished is kept")[2].splitlines()
        assert len(after) == (code == 255)  # DVC adds a line of its own
        finished = {path.stem for path in (clone.path / ".zdl/trials").iterdir()} & clone.names()
        clone.trainings()
        clone.engine("snakemake", "trials")
        assert clone.trained() == sorted(clone.names() - finished) and finished


VARIABLES = {
    "PYTHONSAFEPATH": "1",
    "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "ascii",
    "PYTHONDEVMODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONHASHSEED": "7",
    "LC_ALL": "C",
    "MPLBACKEND": "nonsense",
    "MATPLOTLIBRC": "{evil}/matplotlibrc",
    "OPENBLAS_NUM_THREADS": "3",
    "PYTHONPATH": "{evil}",
}


def test_what_python_and_the_libraries_inherit_changes_nothing(recorded, tmp_path):
    clone, evil = recorded.copy(tmp_path / "zdl"), tmp_path / "evil"
    evil.mkdir()
    for name in {path.stem for path in (clone.path / "workflow/scripts").glob("*.py")}:
        (evil / f"{name}.py").write_text("raise SystemExit('another module of that name')")
    (evil / "matplotlibrc").write_text("savefig.dpi: 30\nlines.linewidth: 9\n")
    inherited = {name: value.format(evil=evil) for name, value in VARIABLES.items()}
    inherited["PYTHONPATH"] += f"{os.pathsep}{clone.path}/src"
    reports = clone.reports()
    clone.run("rm", "-r", "reports", "results/manifests")
    for script in ("rank", "draw_trials", "draw_replicates", "pages"):
        clone.run("python", f"workflow/scripts/{script}.py", PYTHONWARNINGS="error", **inherited)
    assert clone.reports() == reports
    for engine in ENGINES:  # whose own imports warn
        clone.run("rm", "-r", "reports/README.md", "results/manifests/pages")
        clone.engine(engine, "pages", **inherited)
        assert clone.reports() == reports, engine
    for script in ("check.py", "review.py HEAD", "best.py"):
        clone.run("python", *f"workflow/scripts/{script}".split(), **inherited)


def test_nothing_needs_what_python_leaves_out_when_it_optimizes():
    """Assertions and docstrings. (With PYTHONOPTIMIZE, Python compiles each library that a step imports.)"""
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "workflow").rglob("*.py")]:
        # argparse needs no description
        text = re.sub(r"(?<=description=)__doc__(?=[,)])", "None", path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text)):
            names = {getattr(node, "id", ""), getattr(node, "attr", "")}
            assert not isinstance(node, ast.Assert) and not names & {"__debug__", "__doc__"}, path


def test_a_home_that_cannot_be_written_to(ready, modes, request, tmp_path):
    clone, home = ready.copy(tmp_path / "ready"), tmp_path / "home"
    clone.run("rm", "-r", "data/split", "results")
    home.mkdir()
    modes(home)
    clone.env = {name: value for name, value in clone.env.items() if not name.startswith("XDG_")}
    clone.env["HOME"] = str(home)
    clone.run(*bound(request), "snakemake", "--cores", "1", "ready")
    clone.run(*bound(request), "dvc", "repro", "plan")
    assert list(home.iterdir()) == []


FULL = """
mount -t tmpfs -o size=4m none {disk} && cp -r . {disk} && cd {disk} || exit 77
cat /dev/zero > fill 2> /dev/null
truncate --size=-{left}k fill
find . -not -name fill -type f | sort > {disk}.before
{command} > {disk}.said 2>&1
code=$?
rm fill
find . -type f | sort > {disk}.after
exit $code
"""


@pytest.mark.parametrize(
    ("command", "left", "line"),
    [
        ("snakemake --cores 1", 0, "(needed: "),
        ("snakemake --cores 1", 600, "data/raw/"),
        ("python workflow/scripts/download.py", 600, "data/raw/"),
        ("python workflow/scripts/plan.py", 0, "results/plan/"),
    ],
)
def test_a_full_disk_is_told_with_the_file_that_had_no_room(clone, tmp_path, request, command, left, line):
    """On a disk of 4 MB of its own; MNIST's images want 3.9."""
    for large in (".git", ".dvc", *clone.path.rglob("__pycache__")):  # what no step reads
        shutil.rmtree(clone.path / large)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = FULL.format(disk=disk, left=left, command=command)
    done = subprocess.run(
        [*mounts(request), "bash", "-c", script],
        cwd=clone.path,
        env=clone.env | {"PYTHONPATH": f"{disk}/src", "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    said = Path(f"{disk}.said").read_text()
    assert done.returncode == 1, said
    assert any(line in text and "No space left on device" in text for text in said.splitlines()), said
    assert "Traceback" not in said
    before, after = (set(Path(f"{disk}.{when}").read_text().splitlines()) for when in ("before", "after"))
    made = {
        path for path in after - before if not path.startswith(("./logs/", "./.snakemake/", "./benchmarks/"))
    }
    assert not any(path.endswith((".npz", ".tmp", ".probe")) for path in made)
    assert clone.trained() == []


# The wrong programs.


def test_a_trial_needs_the_code_its_plan_and_its_split_and_writes_its_record(ready, tmp_path):
    bare, name = Clone(tmp_path / "node" / "zdl"), min(ready.names())
    for folder in ("src", "workflow/scripts", "data/split", "results/plan"):
        shutil.copytree(ready.path / folder, bare.path / folder)
    (plan,) = (bare.path / "results/plan").iterdir()
    before = tree(bare).keys()
    script = ("workflow/scripts/trial.py", "--plan", str(plan.relative_to(bare.path)), name)
    bare.run("env", "-u", "HOME", "python", *script)
    made = {path.relative_to(bare.path).as_posix() for path in tree(bare).keys() - before}
    (checkpoint,) = (path for path in made if path.startswith(".zdl/checkpoints/0000-"))
    own = {f".zdl/trials/{name}.json", ".zdl/locks/0000.lock", ".zdl/fingerprints.json", checkpoint}
    own.add(".zdl/checkpoints/written")
    assert made == {f"results/trials/{name}.json"} | own


def test_the_profile_for_slurm_has_all_that_the_default_one_has(clone):
    """It is read instead of that."""
    default, slurm = (
        YAML().load((clone.path / f"profiles/{name}/config.yaml").read_text())
        for name in ("default", "slurm")
    )
    assert {**default, "keep-going": False} == {key: slurm[key] for key in default}
    assert slurm["executor"] == "slurm"


def test_snakemake_works_wholly_without_dvc(searched, request):
    if shutil.which("dvc", path=os.defpath):
        pytest.skip(f"{request.node.name}: DVC is one of the system's programs here")
    trained = [name for name in searched.logged() if not name.startswith("replicate-")]
    assert trained == sorted(searched.names())
    assert (searched.path / "reports/README.md").is_file()


def test_a_python_without_zdl_is_told_to_be_activated(clone, tmp_path):
    line = "zdl is not installed in "
    for script in EVERY:
        said = clone.run("python", "-S", "-E", f"workflow/scripts/{script}.py", ok=False)
        said = said.removeprefix(f"{platform.node()}: ")  # node.py says which node it is
        assert said.startswith(line) and said.count("\n") == 1, said
    (tmp_path / "zdl.py").write_text("raise ModuleNotFoundError(\"No module named 'zdl'\")")
    for arguments in ("-n", "--cores 1"):
        said = refused(clone, "snakemake", *arguments.split(), line=line, PYTHONPATH=str(tmp_path))
        assert ". .venv/bin/activate" in said and "make run" in said


OLD = 'case "$1" in -c) exit 1;; --version) echo Python 3.9.18;; *) exit 3;; esac'


def test_make_with_unsupported_pythons_only(clone, tmp_path):
    """Each name that it looks for is an old one's; and one that is named is not taken on trust."""
    line = "make: no Python 3.11, 3.12 or 3.13 found; name one: make PYTHON=/path/to/python3"
    names = ("python3.13", "python3.12", "python3.11", "python3", "python")
    path = programs(tmp_path / "bin", **dict.fromkeys(names, OLD))
    for target in ("run", "test"):
        refused(clone, "make", target, line=line, PATH=path)
    refused(clone, "make", "run", f"PYTHON={tmp_path}/bin/python3", line=line)
    refused(clone, "make", "run", f"PYTHON={tmp_path}/none", line=line)


# A stand-in for Python, which has the real one tell what an environment is made from, and run the installer.
STAND_IN = """
case "$1" in
  -c) shift; code=$1; shift
      exec {real} -c "import sys; sys.version = open('{folder}/version').read()
$code" "$@";;
  --version) echo Python 3.13.1;;
  *.py) exec {real} "$@";;
esac
case "$*" in
  *" venv "*) rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" && echo made >> {folder}/log;;
  *" config list") exec {real} "$@";;
  *" pip "*) echo "$@" >> {folder}/log; . {folder}/bin/install;;
esac
"""


def test_an_environment_is_made_again_if_it_was_made_from_anything_else(clone, tmp_path):
    """Or if its installation never ended; but not for a time stamp."""
    (tmp_path / "version").write_text("3.13.1")
    python = STAND_IN.format(real=sys.executable, folder=tmp_path)
    path = programs(tmp_path / "bin", **{"python3.13": python, "install": "exit 0", "uv": "exit 1"})

    def made(folder="zdl", ok=True, target=".venv/ready", **env):
        """How often a make sets the environment up."""
        log = tmp_path / "log"
        log.write_text("")
        Clone(tmp_path / folder).run("make", target, ok=ok, **{"PATH": path, **env})
        return log.read_text().count("made")

    def edit(name):
        file = clone.path / name
        file.write_text(f"{file.read_text()}\n# edited\n")

    assert [made(), made()] == [1, 0]
    os.utime(clone.path / "requirements.lock")
    assert made() == 0
    for name in ("requirements.lock", "pyproject.toml"):
        edit(name)
        assert [made(), made()] == [1, 0], name
    edit("requirements-beyond.lock")
    assert made() == 0
    assert [made(target=".venv-beyond/ready"), made(target=".venv-beyond/ready")] == [1, 0]
    (tmp_path / "version").write_text("3.13.2")  # upgraded in its place
    assert [made(), made()] == [1, 0]
    (clone.path / ".venv/bin/python").unlink()  # as a link to an interpreter that was removed
    assert [made(), made()] == [1, 0]
    clone.path.rename(tmp_path / "renamed")
    assert [made("renamed"), made("renamed")] == [1, 0]
    (tmp_path / "bin/install").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "version").write_text("3.13.3")
    assert [made("renamed", ok=False), made("renamed", ok=False)] == [1, 1]
    (tmp_path / "bin/install").write_text("#!/bin/sh\n")
    assert [made("renamed"), made("renamed")] == [1, 0]
    other = programs(tmp_path / "other", python=python.replace(f"{tmp_path}/version", f"{tmp_path}/other/v"))
    (tmp_path / "other/v").write_text("3.12.9")
    named = {"PYTHON": f"{other.split(os.pathsep)[0]}/python"}
    assert [made("renamed", **named), made("renamed", **named), made("renamed")] == [1, 0, 0]


UV = 'echo "$0" "$@" >> {folder}/log; env > {folder}/env'
LOCKED = """
case "$*" in *requirements-uv.lock)
  printf '#!/bin/sh\n%s\n' '{uv}' > "$(dirname "$0")/uv"; chmod +x "$(dirname "$0")/uv";;
esac
"""
NO_UV = 'case "$*" in *requirements-uv.lock) exit 1;; esac'
LOCK = "--require-hashes {} -r requirements.lock"


@pytest.fixture
def set_up(clone, tmp_path):
    """Set the environment up with these for uv and pip; tells what make said, and which commands they got."""
    (tmp_path / "version").write_text("3.13.1")
    python = STAND_IN.format(real=sys.executable, folder=tmp_path)
    path = programs(tmp_path / "bin", **{"python3.13": python})

    def run(uv, pip="exit 0", **env):
        for name, text in {"uv": uv, "install": pip}.items():
            (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text.format(folder=tmp_path)}\n")
            (tmp_path / "bin" / name).chmod(0o755)
        (tmp_path / "log").write_text("")
        ok = env.pop("ok", True)
        said = clone.run("make", ".venv/ready", ok=ok, **{"PATH": path, **env})
        assert "Traceback" not in said
        return said, (tmp_path / "log").read_text().splitlines()

    return run


def test_uv_installs_or_else_pip(set_up, clone, tmp_path):
    """The user's own uv, or the locked one, or pip; and pip if uv fails."""
    uv, failing = UV.format(folder=tmp_path), 'test "$1" = --version'

    def again(uv, pip):
        shutil.rmtree(clone.path / ".venv", ignore_errors=True)
        said, (made, *calls) = set_up(uv, pip)
        assert made == "made"
        return said, calls

    _, (version, packages, project) = again(uv, "exit 3")
    assert version == f"{tmp_path}/bin/uv --version"
    assert packages.startswith(f"{tmp_path}/bin/uv pip install --python .venv/bin/python ")
    assert packages.endswith(LOCK.format("--compile-bytecode")) and project.endswith("--editable .")
    _, (wheel, packages, project) = again("exit 1", LOCKED.replace("{uv}", uv))
    assert "--only-binary :all: --require-hashes" in wheel
    assert packages.startswith(".venv/bin/uv pip") and project.startswith(".venv/bin/uv pip")
    said, (_, packages, project) = again("exit 1", NO_UV)
    assert "installing with pip: uv is not available\n" in said
    assert packages.startswith("-m pip ") and packages.endswith(LOCK.format("--force-reinstall"))
    assert project.startswith("-m pip ") and project.endswith("--editable .")
    said, (packages, project) = again(failing, "exit 0")
    assert "installing with pip: uv failed\n" in said
    assert packages.startswith("-m pip ") and project.startswith("-m pip ")
    shutil.rmtree(clone.path / ".venv")
    said, _ = set_up("exit 1", "exit 1", ok=False)
    assert "\nthe packages were not installed. Is there a network, " in said


PIP_CONF = """
[global]
index-url = https://a.example/simple
cert = /ca one.pem
find-links = /wheels
    /more
[install]
trusted-host = a.example b.example
proxy = http://old.example
"""
HANDED = {
    "UV_DEFAULT_INDEX": "https://a.example/simple",
    "UV_INDEX": "https://b.example/simple https://c.example/simple",
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    "UV_FIND_LINKS": "/wheels,/more",
    "UV_INSECURE_HOST": "a.example b.example",
    "UV_HTTP_TIMEOUT": "99",
    "ALL_PROXY": "http://new.example",
    "SSL_CERT_FILE": "/ca one.pem",
}


def test_uv_gets_pips_index_certificate_and_proxy(set_up, clone, tmp_path):
    """From the file and from the environment; what is set for uv itself goes first."""
    (tmp_path / "pip.conf").write_text(PIP_CONF)
    for name in [name for name in clone.env if name in HANDED or name.startswith(("PIP_", "UV_"))]:
        del clone.env[name]
    clone.env["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")
    clone.env["PIP_EXTRA_INDEX_URL"] = "https://b.example/simple https://c.example/simple"
    clone.env |= {"PIP_PROXY": "http://new.example", "PIP_TIMEOUT": "99"}

    def handed(**env):
        shutil.rmtree(clone.path / ".venv", ignore_errors=True)
        set_up(UV, **env)
        pairs = (line.partition("=") for line in (tmp_path / "env").read_text().splitlines())
        return {name: value for name, _, value in pairs if name in HANDED}

    assert handed() == HANDED
    assert handed(UV_DEFAULT_INDEX="https://own.example")["UV_DEFAULT_INDEX"] == "https://own.example"
    bundle = {"PIP_CONFIG_FILE": os.devnull, "REQUESTS_CA_BUNDLE": "/bundle.pem"}
    told = handed(**bundle)
    assert told["SSL_CERT_FILE"] == "/bundle.pem" and "UV_DEFAULT_INDEX" not in told


def test_an_interrupted_installation_is_made_again(set_up, clone):
    """And pip does not go on where uv was interrupted."""
    interrupt = 'test "$1" = --version && exit; kill -INT $PPID; sleep 2; exit 1'
    assert set_up(interrupt, ok=False)[1] == ["made"]
    assert not (clone.path / ".venv/ready").exists()
    assert len(set_up(UV)[1]) == 4 and set_up(UV)[1] == []


@pytest.mark.parametrize("version", ["3.9.18", "3.10.13"])
def test_a_real_unsupported_python(clone, version, request):
    python = Path.home() / f".pyenv/versions/{version}/bin/python3"
    if not python.exists():
        pytest.skip(f"{request.node.name}: there is none")
    refused(clone, "make", "run", f"PYTHON={python}", line="make: no Python 3.11, 3.12 or 3.13 found")
    env = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    refused(clone, str(python), "workflow/scripts/plan.py", line="zdl is not installed in ", **env)
