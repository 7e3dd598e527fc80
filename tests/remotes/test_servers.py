"""Results shared through servers on this machine: SSH (Debian's sshd), and the S3 protocol (moto).
See docs/sharing.md.

`make test-remotes` runs this, and `make test` does not: both need more than the project does. A server ends
with the tests, however they end: one is a thread of theirs, the other the system ends.
"""

import getpass
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import boto3
import pytest
from moto import settings
from moto.server import ThreadedMotoServer

from tests.workflow.test_sharing import Directory, Sharing

HOST = "127.0.0.1"
ALLOWED = {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALLOWED]})


def free_port():
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


class Served(Sharing):
    """What holds of every server; its remote also has settings by which it is down, or lets nobody in."""

    @pytest.mark.parametrize("what", ["down", "stranger"])
    def test_a_server_that_cannot_be_used_is_told_in_a_line(self, pushed, remote, what, tmp_path):
        (name, value), said = getattr(remote, what)
        clone = pushed.copy(tmp_path / "zdl")
        clone.run("dvc", "remote", "modify", "--local", "storage", name, value)
        for command in ("push", "pull"):
            told = clone.run("dvc", command, ok=False, **remote.hasty)
            assert said in told and "Traceback" not in told, command
            clone.run("rm", "-rf", ".dvc/cache", "results")
        assert clone.records() == [] and clone.run("git", "status", "--short") == ""

    def test_no_secret_is_committed(self, pushed, remote):
        local = (pushed.path / ".dvc/config.local").read_text()
        for secret in remote.secrets.values():
            assert secret in local
            pushed.run("git", "grep", "--quiet", "--fixed-strings", secret, "HEAD", ok=False)


class TestSSH(Served):
    @pytest.fixture(scope="class")
    @classmethod
    def remote(cls, tmp_path_factory):
        folder = tmp_path_factory.mktemp("ssh")
        for name in ("host", "key", "unknown"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        (folder / "config").write_text(f"""
            HostKey {folder}/host
            AuthorizedKeysFile {folder}/key.pub
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PidFile none
            Subsystem sftp internal-sftp
        """)
        apart = Path("/run/sshd")
        made = os.geteuid() == 0 and not apart.exists()
        if made:  # an init system would have
            apart.mkdir()
        port = free_port()
        sshd = ["/usr/sbin/sshd", "-D", "-f", folder / "config", "-o", f"ListenAddress {HOST}:{port}"]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *sshd, "-e"], stderr=log) as server,
        ):
            try:
                wait_for(port, server, folder / "log")
                yield OverSSH(folder, port)
            finally:
                server.terminate()
                if made:
                    apart.rmdir()


def wait_for(port, server, log):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            return socket.create_connection((HOST, port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


class OverSSH(Directory):
    """A directory of this machine, had over SSH."""

    def __init__(self, folder, port):
        super().__init__(folder / "remote")
        self.hasty = {}
        self.settings = {"url": f"ssh://{getpass.getuser()}@{HOST}:{port}{self.folder}"}
        self.secrets = {"keyfile": str(folder / "key")}
        self.down = ("port", str(free_port())), f"Connect call failed ('{HOST}', "
        self.stranger = ("keyfile", str(folder / "unknown")), "Permission denied for user"


class TestS3(Served):
    @pytest.fixture(scope="class")
    @classmethod
    def remote(cls, monkeypatch_class):
        server = ThreadedMotoServer(HOST, port=0, verbose=False)
        server.start()
        try:
            yield OverS3("http://{}:{}".format(*server.get_host_and_port()), monkeypatch_class)
        finally:
            server.stop()

    @pytest.fixture(scope="class")
    @classmethod
    def monkeypatch_class(cls):
        with pytest.MonkeyPatch.context() as patch:
            yield patch


class OverS3:
    """A bucket, which one user of the server may use: the first clone's key is in a file, the others' are in
    environment variables."""

    def __init__(self, url, patch):
        admin = {"endpoint_url": url, "region_name": "us-east-1"}
        admin |= {"aws_access_key_id": "admin", "aws_secret_access_key": "admin"}
        iam, self.s3 = boto3.client("iam", **admin), boto3.client("s3", **admin)
        self.s3.create_bucket(Bucket="bucket")
        iam.create_user(UserName="zdl")
        iam.put_user_policy(UserName="zdl", PolicyName="bucket", PolicyDocument=POLICY)
        key = iam.create_access_key(UserName="zdl")["AccessKey"]
        patch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # from here on it asks who wants that
        self.settings = {"url": "s3://bucket/zdl", "endpointurl": url, "region": "us-east-1"}
        self.secrets = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
        let_in = {f"aws_{name}": value for name, value in self.secrets.items()}
        self.s3 = boto3.client("s3", endpoint_url=url, **let_in)
        self.env = {name.upper(): value for name, value in let_in.items()}
        self.hasty = {"AWS_MAX_ATTEMPTS": "1"}  # else DVC tries again for minutes
        self.down = ("endpointurl", f"http://{HOST}:{free_port()}"), "Could not connect to the endpoint URL"
        self.stranger = ("secret_access_key", "guessed"), "Forbidden"

    holding = Directory.holding

    def read(self, key):
        return self.s3.get_object(Bucket="bucket", Key=f"zdl/{key}")["Body"].read()

    def write(self, key, data):
        if data is None:
            self.s3.delete_object(Bucket="bucket", Key=f"zdl/{key}")
        else:
            self.s3.put_object(Bucket="bucket", Key=f"zdl/{key}", Body=data)
