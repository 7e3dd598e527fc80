"""The server of `tests.warm`: a program does what it does in an interpreter of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import warm
from tests.engines import ROOT

SEEN = """
import json, os, sys
os.umask(mask := os.umask(0))
ready = "numpy" in sys.modules
print(json.dumps([ready, sys.argv, sys.path[:2], os.getcwd(), os.environ.get("SEEN"), mask, os.getppid()]))
print("an error", file=sys.stderr)
print(sys.stdin.read())
"""
ENDS = {
    "a code": "raise SystemExit(3)",
    "a line": "raise SystemExit('told')",
    "a failure": "raise ValueError('failed')",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "another program": "import os; os.execvp('sh', ['sh', '-c', 'echo other; exit 4'])",
}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the server needs /proc")


@pytest.fixture(scope="module")
def bin_(tmp_path_factory):
    with warm.server(tmp_path_factory.mktemp("warm") / "w") as folder:
        deadline = time.monotonic() + 120
        while not (folder.parent / "socket").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield folder


def start(bin_, script, folder, session=False, **variables):
    """A script that runs, started by the `python` of a folder."""
    (folder / "script.py").write_text(script)
    own = {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": f"{folder}/src", "SEEN": "yes"}
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = ["python", "script.py", "one", "two"]
    env = os.environ | own | variables
    return subprocess.Popen(command, cwd=folder, env=env, text=True, start_new_session=session, **streams)


def run(bin_, script, folder, **variables):
    """The exit code, as a shell gives it, and the output of a script."""
    program = start(bin_, script, folder, **variables)
    output, error = program.communicate("in")
    code = program.returncode
    return code if code >= 0 else 128 - code, output, error


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": ""}], ids=["a clone's", "make's"])
def test_a_program_gets_its_own_surroundings(bin_, tmp_path, variables):
    code, output, error = run(bin_, SEEN, tmp_path, **variables)
    new = run(Path(sys.executable).parent, SEEN, tmp_path, **variables)
    assert (code, error) == (0, "an error\n") and output.replace("[true", "[false", 1) == new[1]
    assert output.startswith("[true") and output.endswith("in\n")


@pytest.mark.parametrize("script", ENDS.values(), ids=ENDS)
def test_a_program_ends_as_it_would(bin_, tmp_path, script):
    code, output, error = run(bin_, script, tmp_path)
    *new, new_error = run(Path(sys.executable).parent, script, tmp_path)
    assert [code, output] == new and error.splitlines()[-1:] == new_error.splitlines()[-1:]


@pytest.mark.parametrize(
    "variables", [{"PYTHONHASHSEED": "1"}, {"OPENBLAS_CORETYPE": "Prescott"}, {"PYTHONPATH": "/a/src:/b"}]
)
def test_what_depends_on_a_start_gets_a_new_interpreter(bin_, tmp_path, variables):
    assert run(bin_, SEEN, tmp_path, **variables)[1].startswith("[false")


def test_what_python_imports_at_a_start_is_imported(bin_, tmp_path):
    (tmp_path / "start").mkdir()
    (tmp_path / "start/sitecustomize.py").write_text(
        "import atexit, sys; print(sys.orig_argv[1:]); atexit.register(print, 'left')"
    )
    path = {"PYTHONPATH": f"{tmp_path}/start:{tmp_path}/src"}
    code, output, _ = run(bin_, SEEN, tmp_path, **path)
    new = run(Path(sys.executable).parent, SEEN, tmp_path, **path)
    assert "\n[true" in output and (code, output.replace("[true", "[false", 1)) == new[:2]
    assert output.startswith("['script.py', 'one', 'two']\n") and output.endswith("left\n")
    (tmp_path / "start/numpy.py").touch()  # which is to come before the library
    assert "\n[false" in run(bin_, SEEN, tmp_path, **path)[1]


def test_a_session_of_its_own_gets_a_new_interpreter(bin_, tmp_path):
    with start(bin_, SEEN, tmp_path, session=True) as program:
        assert program.communicate("in")[0].startswith("[false")


def test_what_a_step_starts_has_the_libraries_too(bin_, tmp_path):
    """As `snakemake` from a stage of DVC, with the variables that every step sets."""
    (tmp_path / "workflow/scripts").mkdir(parents=True)
    shutil.copy(ROOT / "workflow/scripts/adapter.py", tmp_path / "workflow/scripts")
    (tmp_path / "seen.py").write_text(SEEN)
    step = """import sys; sys.path.insert(0, "workflow/scripts"); import adapter, subprocess
subprocess.run(["python", "seen.py"])"""
    shutil.copytree(ROOT / "src", tmp_path / "src")
    assert run(bin_, step, tmp_path)[1].startswith("[true")


def test_a_program_ends_with_whoever_waits_for_it(bin_, tmp_path):
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with start(bin_, script, tmp_path) as client:
        program = int(client.stdout.readline())
        assert program != client.pid
        client.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{program}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{program}").exists()
