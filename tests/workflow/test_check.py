"""`make check` (docs/reviewing.md) in a clone that has only what Git carries: stale files are named, with
what fixes them."""

import hashlib
import os
import re
import shutil

import pytest

from tests.engines import programs, tree
from zdl.pipeline.paths import PUBLISHED

CHECK = ("python", "workflow/scripts/check.py")
RANKING = "reports/ranking.csv"
STALE = "was edited after the run that dvc.lock records"
FORGE = """
import hashlib, sys
from pathlib import Path
sys.path.insert(0, "workflow/scripts")
from on_record import manifest, md5_of_folder
from zdl.pipeline.paths import PUBLISHED_TABLES, Paths

def known(data):  # as dvc.lock has it
    return f"md5: {hashlib.md5(data).hexdigest()}\\n      size: {len(data)}"

ranked, lock = Paths.of().rank_manifest, Path("dvc.lock").read_text()
ranking = PUBLISHED_TABLES[0].read_bytes()
forged = ranking.replace(b"0.", b"0.9", 1)
before = manifest(ranked)
PUBLISHED_TABLES[0].write_bytes(forged)
after = manifest(ranked)
folders = [md5_of_folder({ranked.path.name: data}) for data in (before, after)]
for old, new in ((known(ranking), known(forged)), folders):
    assert lock.count(old) == 1, old
    lock = lock.replace(old, new)
Path("dvc.lock").write_text(lock)
"""


@pytest.fixture
def clone(recorded, tmp_path):
    """A fresh clone of that, with no data/, no results/ and no cache of records."""
    return recorded.clone(tmp_path / "zdl")


def fill(clone, recorded):
    """Give a clone what an earlier run left here, so that the next one takes no longer than it has to."""
    for folder in (".zdl", ".dvc/cache", "data", "results"):
        shutil.copytree(recorded.path / folder, clone.path / folder, dirs_exist_ok=True)


def lines(clone):
    """What the check finds; without training, in seconds, and leaving the clone as it is."""
    before, started = clone.run("git", "status", "--short", "--ignored=no"), os.times()
    said = clone.run(*CHECK, ok=False)
    ended = os.times()
    assert ended.children_user + ended.children_system - started.children_user - started.children_system < 10
    assert clone.trainings() == [] and "Traceback" not in said
    assert clone.run("git", "status", "--short", "--ignored=no") == before
    return said.splitlines()


def fix(clone, command):
    """Do as a line says, after which nothing is left to find."""
    if command == "make repro":  # in the environment of the tests
        command = "python workflow/scripts/repro.py"
    clone.run(*command.split())
    clone.run(*CHECK)


def command(line):
    """The command that a line names."""
    return line.split("`")[1]


def test_a_fresh_clone_passes_and_is_told_what_was_not_looked_at(clone):
    shutil.rmtree(clone.path / ".zdl")
    said = clone.run(*CHECK)
    assert said.startswith("reports/ and dvc.lock match params.yaml and the code, by their checksums\n")
    assert "not checked" in said and "make check FULL=1" in said
    assert not (clone.path / "results").exists() and clone.trainings() == []


def test_where_the_search_was_run_it_passes_too(recorded):
    recorded.run(*CHECK)


def test_the_make_target_is_the_script(clone):
    make = ("make", "--old-file=.venv/ready")  # the environment is that of the tests
    makefile = clone.path / "Makefile"
    makefile.write_text(makefile.read_text().replace("PYTHONDONTWRITEBYTECODE PYTHONPATH", ""))
    assert clone.run(*make, "check").startswith("reports/ and dvc.lock match")
    (clone.path / RANKING).write_text("rank\n")
    assert f"{RANKING}: is not what dvc.lock records" in clone.run(*make, "check", ok=False)
    assert RANKING in clone.run("make", "unchanged", ok=False)


def test_settings_that_were_edited_and_not_run(clone):
    for edit in ({"search": {"seed": 5}}, {"report": {"best": 3}}):
        clone.revert()
        clone.edit(**edit)
        (line,) = lines(clone)
        assert line.startswith(f"params.yaml: {STALE}; ") and command(line) == "make repro"


def test_settings_run_by_snakemake_and_not_recorded(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    clone.edit(report={"best": 3})
    clone.engine("snakemake", "rank")
    clone.trainings()
    found = lines(clone)
    assert found[0].startswith(f"params.yaml: {STALE}")
    assert {command(line) for line in found} == {"make repro"}
    assert any(line.startswith("reports/curves.csv: ") for line in found)
    fix(clone, "make repro")


def test_settings_that_do_not_hold_are_their_own_line(clone):
    clone.search(lr=(1e-2, 1e-6))
    (line,) = lines(clone)
    assert line.startswith("params.yaml: search.space.lr")


def test_one_byte_of_a_report_edited_by_hand(clone):
    names = ["reports/README.ja.md", "reports/best20.png", "reports/metrics.json", RANKING]
    for name in names:
        data = bytearray((clone.path / name).read_bytes())
        data[len(data) // 2] ^= 1
        (clone.path / name).write_bytes(data)
    clone.run("git", "add", *names)  # also where they are about to be committed
    found = lines(clone)
    restores = "{0}: is not what dvc.lock records; `git checkout HEAD {0}` restores it"
    assert found == [restores.format(name) for name in names]
    for line in found[1:]:
        clone.run(*command(line).split())
    fix(clone, command(found[0]))


def test_a_report_that_was_edited_and_committed(recorded, clone):
    text = (clone.path / RANKING).read_text()
    (clone.path / RANKING).write_text(text.replace("0.", "0.9", 1))
    clone.commit()
    (line,) = lines(clone)
    assert line == f"{RANKING}: is not what dvc.lock records; `make repro` fixes it"
    fill(clone, recorded)
    fix(clone, command(line))
    assert (clone.path / RANKING).read_text() == text


def test_a_report_that_is_lacking_and_one_too_many(clone):
    (clone.path / "reports/search.svg").unlink()
    (clone.path / "reports/better.csv").write_text("1\n")
    gone, more = sorted(lines(clone), reverse=True)
    assert gone == "reports/search.svg: is missing; `git checkout HEAD reports/search.svg` restores it"
    assert more == "reports/better.csv: no stage of dvc.yaml makes it; `rm reports/better.csv` removes it"
    clone.run(*command(gone).split())
    fix(clone, command(more))


def test_a_comment_in_the_code_is_told_from_an_edit_that_changes_results(clone):
    for name, edit, about in (
        (
            "src/zdl/analysis/statistics.py",
            "# a remark\n",
            "but no result's digest has changed; `make repro`",
        ),
        (
            "src/zdl/extra.py",
            "LIMIT = 3\n",
            "but no result's digest has changed; `make repro`",
        ),
        ("src/zdl/nn/history.py", "Hits = list\n", "`make repro` records it and makes everything"),
    ):
        with (clone.path / name).open("a") as file:
            file.write(edit)
        told = {line.split(":")[0]: line for line in lines(clone)}
        assert told[name].startswith(f"{name}: {STALE}") and about in told[name]
    assert told.keys() == {"src/zdl/analysis/statistics.py", "src/zdl/extra.py", "src/zdl/nn/history.py"}


def test_a_file_in_several_folders_that_stages_read_is_named_once(clone):
    name = (
        "src/zdl/search/samplers/grid.py"  # src/zdl is read by one stage, src/zdl/search/samplers by another
    )
    with (clone.path / name).open("a") as file:
        file.write("# a remark\n")
    (line,) = lines(clone)
    assert line.startswith(f"{name}: {STALE}")


def test_looking_changes_no_file(clone, recorded, tmp_path):
    run = recorded.copy(tmp_path / "run")
    run.edit(report={"best": 3})
    shutil.rmtree(clone.path / ".zdl")
    for each in (clone, run):
        before = tree(each.path)
        each.run(*CHECK, ok=each is clone)
        assert tree(each.path) == before


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("dvc.yaml", "stages: [", "dvc.yaml: DVC cannot read it ("),
        ("dvc.yaml", "stages: {split: {}}", "dvc status: "),
        (".dvc/tmp/rwlock", '{"read": {', "dvc status: "),
    ],
)
def test_what_dvc_refuses_is_one_line(clone, path, text, line):
    (clone.path / path).parent.mkdir(exist_ok=True)
    (clone.path / path).write_text(text)
    (told,) = lines(clone)
    assert told.startswith(line) and path in told
    assert path != "dvc.yaml" or command(told) == "git checkout HEAD dvc.yaml"


def test_a_git_that_fails_is_not_taken_for_nothing_there(clone, tmp_path):
    fails = 'case "$1" in ls-files) echo "fatal: no index" >&2; exit 128;; esac'
    where = programs(tmp_path / "bin", git=f'{fails}\nexec {shutil.which("git")} "$@"').split(os.pathsep)[0]
    said = clone.run(*CHECK, ok=False, PATH=f"{where}{os.pathsep}{clone.env['PATH']}")
    assert said == "git ls-files: fatal: no index\n"


def test_a_lock_of_another_commit(clone):
    lock = clone.path / "dvc.lock"
    text = lock.read_text().replace("seed: 1\n", "seed: 2\n")
    lock.write_text(re.sub(r"(path: reports/\S+\n +hash: md5\n +md5: )\w+", rf"\g<1>{'a' * 32}", text))
    params, *reports, last = lines(clone)
    assert params.startswith(f"params.yaml: {STALE}") and command(params) == "make repro"
    assert len(reports) == len(PUBLISHED)
    assert (
        last.startswith("dvc.lock: differs from the last commit")
        and command(last) == "git checkout HEAD dvc.lock"
    )
    fix(clone, command(last))


def test_a_lock_that_does_not_fit_dvc_yaml(clone):
    lock = clone.path / "dvc.lock"
    text = lock.read_text()
    for old, new, line in (
        ("", None, "dvc.lock: is missing; `git checkout HEAD dvc.lock` restores it"),
        ("\n  split:\n", "\n  shuffle:\n", "dvc.lock: lacks the stage split of dvc.yaml; `make repro`"),
        ("cmd: python workflow/scripts/rank.py", "cmd: echo", "dvc.yaml: the command of the stage rank is"),
        ("- path: requirements.lock\n", "- path: required.lock\n", "dvc.lock: lacks requirements.lock among"),
        ("schema: '2.0'\n", "<<<<<<< HEAD\n", "dvc.lock: DVC cannot read it ("),
    ):
        lock.unlink() if new is None else lock.write_text(text.replace(old, new, 1))
        found = lines(clone)
        assert any(each.startswith(line) for each in found), found
        clone.run("git", "checkout", "HEAD", "dvc.lock")
        assert lock.read_text() == text  # which passes: test_a_fresh_clone_passes...


def test_a_stage_recorded_with_another_file_than_was_made(clone):
    lock = clone.path / "dvc.lock"
    head, _, tail = lock.read_text().partition("    - path: results/table\n      hash: md5\n      md5: ")
    lock.write_text(f"{head}    - path: results/table\n      hash: md5\n      md5: {'0' * 32}.dir{tail[36:]}")
    found = lines(clone)
    assert any("read another results/table than aggregate made; `make repro`" in line for line in found), (
        found
    )


def test_a_manifest_that_is_here_knows_a_report_that_was_forged_with_its_lock(recorded, tmp_path):
    clone = recorded.copy(tmp_path / "zdl")
    clone.run("python", "-c", FORGE)
    clone.commit()
    (line,) = lines(clone)
    assert line.startswith(f"{RANKING}: is not what the run here wrote") and command(line) == "make repro"
    fix(clone, command(line))


def test_only_training_finds_a_forgery_in_a_fresh_clone(recorded, clone):
    lock = clone.path / "dvc.lock"  # in which a stage that dvc.yaml got later stands at the end
    head, *stages = re.split(r"(?m)^(?=  \w+:$)", lock.read_text())
    lock.write_text("".join([head, *stages[1:], stages[0]]))
    clone.commit()
    said = clone.run(*CHECK, "--full")
    assert "byte for byte" in said and clone.trained() == sorted(clone.names())
    kept = {path: (clone.path / path).read_bytes() for path in (RANKING, "dvc.lock")}
    clone.run("python", "-c", FORGE)
    clone.commit()
    clone.run(*CHECK)
    said = clone.run(*CHECK, "--full", ok=False).splitlines()[-2:]
    assert [line.split(":")[0] for line in said] == ["dvc.lock", RANKING]
    assert {command(line) for line in said} == {"make clean repro"}
    assert clone.trained() == sorted(clone.names())
    fill(clone, recorded)
    fix(clone, "make repro")
    assert {path: (clone.path / path).read_bytes() for path in kept} == kept


def test_a_pull_without_a_remote_is_no_failure_and_with_one_trains_nothing(recorded, clone, tmp_path):
    pull = ("python", "workflow/scripts/pull.py")
    said = clone.run(*pull)
    assert said.startswith("no remote is set") and said.count("\n") == 1
    source = recorded.copy(tmp_path / "source")
    remote = str(tmp_path / "remote")
    for each in (source, clone):
        each.run("dvc", "remote", "add", "--default", "here", remote)
    report = ("rank", "draw_trials", "draw_replicates", "pages")
    less_than_all = ("trials", "split", "plan", "replicates", "baseline", *report)
    source.run("dvc", "push", *less_than_all)
    clone.run(*pull)
    clone.run("git", "checkout", "--quiet", ".dvc/config")
    clone.run("python", "workflow/scripts/repro.py")
    assert clone.trained() == []
    clone.run("make", "unchanged")


def test_what_is_published_is_what_is_checked(recorded):
    """No file under reports/ is without a checksum in dvc.lock."""
    lock = (recorded.path / "dvc.lock").read_text()
    for path in PUBLISHED:
        data = (recorded.path / path).read_bytes()
        assert f"- path: {path}\n      hash: md5\n      md5: {hashlib.md5(data).hexdigest()}\n" in lock
