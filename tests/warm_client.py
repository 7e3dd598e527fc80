"""Has the server of `tests.warm` run a program. It imports little, as it starts for every program."""

import marshal
import os
import resource
import signal
import socket
import sys

READ_AT_START = ("PYTHON", "MPL", "MATPLOTLIB", "OPENBLAS", "OMP_", "MKL_", "NPY_", "LC_", "LANG", "MALLOC_")
READ_LATER = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
IN_STEPS = {"MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def situation():
    """What the programs of a server have in common with it, and others with whoever starts them."""
    read = {name: value for name, value in os.environ.items() if name.startswith(READ_AT_START)}
    variables = sorted(item for item in read.items() if item[0] not in {*READ_LATER, *IN_STEPS})
    limits = [resource.getrlimit(each) for each in (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)]
    with open("/proc/self/status") as file:
        rights = [line for line in file if line.startswith(("Uid", "Gid", "Cap"))]
    return [variables, limits, rights, os.readlink("/proc/self/ns/mnt"), os.getsid(0)]


def is_plain(name, arguments):
    """Whether this is code or a tool, and nothing but a clone's modules can come before a library; what else
    Python is to import at a start (`tests.watched`, `tests.faults`) is in a folder of its own."""
    *others, path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    script = arguments[:1] == ["-c"] or (arguments[:1] and arguments[0].endswith(".py"))
    return (name != "python" or script) and (not path or path.endswith("/src")) and all(map(is_start, others))


def is_start(folder):
    """Whether a folder holds what Python imports at a start, and nothing else."""
    try:
        return {*os.listdir(folder)} - {"__pycache__"} == {"sitecustomize.py"}
    except OSError:
        return False


def run(program, server):
    """Run a program with what this process has, and end as it does; without a server, become it."""
    command = [program, *sys.argv[1:]]
    if not is_plain(os.path.basename(program), sys.argv[1:]):
        os.execv(program, command)
    os.umask(mask := os.umask(0))
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(server)
        except OSError:
            os.execv(program, command)
        given = marshal.dumps([situation(), os.getpid(), command, os.getcwd(), dict(os.environ), mask])
        socket.send_fds(connection, [len(given).to_bytes(8, "big")], [0, 1, 2])
        connection.sendall(given)
        answers = connection.makefile("rb")
        if not (process := int(answers.readline() or 0)):
            os.execv(program, command)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: os.kill(process, number))
        code = answers.readline()
        os._exit(int(code) if code else 128 + signal.SIGKILL)
