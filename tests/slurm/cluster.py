"""A real Slurm of three nodes on this host, for as long as a `with` lasts; as a script, for a command:

    python -m tests.slurm.cluster sinfo

It needs Debian's slurm-wlm and munge, and neither systemd nor cgroups. All that it writes is in a temporary
folder, its ports are free ones, and nothing of it is left running.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

CPUS = 4  # of each node, as Slurm is told
CONF = """
ClusterName=zdl
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog={folder}/prolog
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/done.txt
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=2
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=60 State=UP
"""
# Lines like `export NAME=value` in a file of the node's name hold for all that runs on that node.
PROLOG = '#!/bin/sh\ncat "{folder}/$SLURMD_NODENAME.env" 2> /dev/null\nexit 0\n'
# Snakemake's job step drops SLURM_CONF, since on a cluster the file lies where srun looks for it.
SRUN = '#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {srun} "$@"\n'


class Cluster:
    """Entered, it is up: what is to see it needs `env`."""

    nodes = ("node1", "node2", "node3")

    def __enter__(self) -> "Cluster":
        self.folder = Path(tempfile.mkdtemp(prefix="zdl-slurm-"))
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.env = {"SLURM_CONF": f"{self.folder}/slurm.conf", "PATH": f"{self.folder}:{os.environ['PATH']}"}
        try:
            self._configure()
            self._start("munged", "munged", "--foreground", "--force", *self._munge())
            self._wait((self.folder / "munge.sock").exists)
            self._start("slurmctld", "slurmctld", "-D", "-c")
            for node in self.nodes:
                self._start(node, "slurmd", "-D", "-N", node)
            self._wait(lambda: self.run("sinfo", "-hNo", "%t").split() == ["idle"] * len(self.nodes))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in reversed(self.daemons.values()):
            daemon.kill()
            daemon.wait()
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str) -> str:
        """What one of Slurm's commands prints."""
        env = os.environ | self.env
        return subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=60
        ).stdout

    def done(self) -> list[dict[str, str]]:
        """Slurm's own record of the jobs that have ended."""
        file = self.folder / "done.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines]

    def runs(self, node: str, script: str) -> bool:
        """Whether a process of this script is running on a node."""
        words = []
        for process in self._processes(SLURMD_NODENAME=node):
            with contextlib.suppress(psutil.Error):  # it may have ended
                words += process.cmdline()
        return any(script in word for word in words)

    def fail(self, node: str) -> None:
        """Have a node die: its slurmd, and all that runs there."""
        self.daemons[node].kill()
        self._end(SLURMD_NODENAME=node)

    def set(self, node: str, **env: str) -> None:
        """Have processes on a node find other values in their environment."""
        lines = [f"export {name}={value}\n" for name, value in env.items()]
        (self.folder / f"{node}.env").write_text("".join(lines))

    def _configure(self) -> None:
        ports = free_ports(1 + len(self.nodes))
        host = socket.gethostname().partition(".")[0]
        nodes = [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory=4000"
            for node, port in zip(self.nodes, ports[1:], strict=True)
        ]
        known = {"folder": self.folder, "host": host, "user": getpass.getuser(), "srun": shutil.which("srun")}
        texts = {"slurm.conf": CONF, "prolog": PROLOG, "srun": SRUN}
        for name, text in texts.items():
            (self.folder / name).write_text(text.format(nodes="\n".join(nodes), ports=ports, **known))
            (self.folder / name).chmod(0o755)
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)
        for name in ("state", *self.nodes):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)

    def _munge(self) -> list[str]:
        suffixes = {"key-file": "key", "socket": "sock", "pid-file": "pid", "log-file": "log"}
        suffixes["seed-file"] = "seed"
        return [f"--{option}={self.folder}/munge.{suffix}" for option, suffix in suffixes.items()]

    def _start(self, name: str, *command: str) -> None:
        """A daemon that ends with this process, even if that is killed."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.daemons[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                env=os.environ | self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _wait(self, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not ready():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > end:
                said = [(self.folder / f"{name}.log").read_text() for name in dead or self.daemons]
                raise RuntimeError("\n".join(["Slurm does not come up:", *said]))
            time.sleep(0.1)

    def _end(self, **env: str) -> None:
        """Kill what runs in jobs, and the slurmstepd above each, which outlives its slurmd."""
        for process in list(self._processes(**env)):
            with contextlib.suppress(psutil.NoSuchProcess):
                above = [one for one in process.parents() if one.name() == "slurmstepd"]
                for one in (*above, process):
                    one.kill()

    def _processes(self, **env: str) -> Iterator[psutil.Process]:
        """What runs in jobs of this cluster, or belongs to them, with this in its environment."""
        wanted = ({"SLURM_CONF": self.env["SLURM_CONF"]} | env).items()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and wanted <= process.environ().items():
                    yield process


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with Cluster() as cluster:
        sys.exit(subprocess.call(sys.argv[1:] or ["sinfo"], env=os.environ | cluster.env))
