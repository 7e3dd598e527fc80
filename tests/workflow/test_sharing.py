"""Results shared through a DVC remote: of every kind, and here a directory (servers: tests/remotes/)."""

import contextlib
import hashlib
import re
import secrets
import shutil

import pytest

from tests.engines import ROOT, TRIALS

PAGES = [ROOT / "docs/sharing.md", ROOT / "docs/sharing.ja.md"]
SECRETS = ("password", "passphrase", "keyfile", "access_key_id", "secret_access_key", "session_token")


class Directory:
    """A remote, its settings by who may know them, and a way to what lies in it that is not DVC's."""

    def __init__(self, folder):
        self.folder = folder
        self.settings = {"url": str(folder)}  # committed
        self.secrets = {}  # in .dvc/config.local
        self.env = {}  # for DVC, where there is no such file

    @contextlib.contextmanager
    def holding(self, key, data):
        """A context in which an object holds other data, or, with None, is not there."""
        whole = self.read(key)
        self.write(key, data)
        try:
            yield
        finally:
            self.write(key, whole)

    def read(self, key):
        return (self.folder / key).read_bytes()

    def write(self, key, data):
        (self.folder / key).unlink(missing_ok=True)
        if data is not None:
            (self.folder / key).write_bytes(data)


def key_of(path):
    """Where a remote has a file."""
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    return f"files/md5/{md5[:2]}/{md5[2:]}"


class Sharing:
    """What holds of every kind of remote; a subclass has a fixture `remote`."""

    @pytest.fixture(scope="class")
    @classmethod
    def pushed(cls, recorded, remote, tmp_path_factory):
        """The recorded clone, with a remote of this kind that it has pushed to."""
        clone = recorded.copy(tmp_path_factory.mktemp("pushed") / "zdl")
        clone.run("dvc", "remote", "add", "--default", "storage", remote.settings["url"])
        clone.run("dvc", "remote", "modify", "storage", "verify", "true")
        for name in remote.settings.keys() - {"url"}:
            clone.run("dvc", "remote", "modify", "storage", name, remote.settings[name])
        for name, value in remote.secrets.items():
            clone.run("dvc", "remote", "modify", "--local", "storage", name, value)
        clone.commit()
        assert re.search(r"^\d+ files pushed$", clone.run("dvc", "push"), re.M)
        return clone

    @pytest.fixture
    def second(self, pushed, remote, tmp_path):
        """A second clone, in which nothing has run, let into the remote."""
        clone = pushed.clone(tmp_path / "zdl")
        if remote.env:
            clone.env |= remote.env
        elif remote.secrets:
            shutil.copy(pushed.path / ".dvc/config.local", clone.path / ".dvc")
        return clone

    def test_a_second_clone_pulls_and_trains_what_an_edit_makes_new(self, second, pushed):
        second.run("dvc", "pull")
        assert "up to date" in second.run("dvc", "status")
        assert second.run("snakemake", "-n").endswith("would run: 1 weights\n")  # DVC does not carry them
        assert "Running stage" not in second.run("dvc", "repro")
        assert second.trainings() == [] and second.reports() == pushed.reports()
        assert second.run("git", "status", "--short") == ""
        known = second.names()
        for engine, high in (("snakemake", 1e1), ("dvc", 1e-4)):
            second.search(lr=(1e-6, high))
            second.engine(engine, "trials", "replicates")  # all that trains
            new, known = second.names() - known, second.names() | known
            assert second.trained() == sorted(new) and 0 < len(new) < TRIALS

    def test_a_damaged_object_is_refused_and_a_run_makes_all_of_its_directory_again(
        self, second, pushed, remote
    ):
        key = key_of(pushed.records()[0])
        with remote.holding(key, remote.read(key).replace(b'"trial": 0', b'"trial": 9')):
            said = second.run("dvc", "pull", ok=False)
            assert "Checkout failed for following targets:\nresults/trials\n" in said
            assert "Traceback" not in said and second.records() == []
            assert pushed.records()[0].name in second.run("dvc", "status", "--cloud")
            assert f"corrupted cache file '{second.path}/.dvc/cache/{key}'" in second.run(
                "dvc", "pull", "-v", ok=False
            )
            second.engine("dvc", "trials")
            assert second.trained() == sorted(second.names())
            assert "Everything is up to date" in second.run("dvc", "push")  # it is there, DVC thinks
            second.run("dvc", "remote", "modify", "storage", "url", f"{remote.settings['url']}-2")
            assert "files pushed" in second.run("dvc", "push")
            second.run("rm", "-r", ".dvc/cache", "results")
            second.run("dvc", "pull")
            assert "up to date" in second.run("dvc", "status")

    def test_an_object_that_is_missing_is_named(self, second, pushed, remote):
        key = key_of(pushed.records()[0])
        with remote.holding(key, None):
            said = second.run("dvc", "pull", ok=False)
        assert f"failed to transfer '{''.join(key.split('/')[2:])}'" in said
        assert "Traceback" not in said and second.records() == []
        second.run("dvc", "pull")
        assert "up to date" in second.run("dvc", "status")


class TestDirectory(Sharing):
    @pytest.fixture(scope="class")
    @classmethod
    def remote(cls, tmp_path_factory):
        return Directory(tmp_path_factory.mktemp("remote") / "zdl")

    def test_without_verify_the_seals_notice_what_dvc_does_not(self, second, pushed, remote):
        record = pushed.records()[0]
        second.run("dvc", "remote", "modify", "--local", "storage", "verify", "false")
        damaged = record.read_bytes().replace(b'"trial": 0', b'"trial": 9')
        with remote.holding(key_of(record), damaged):
            second.run("dvc", "pull")
        assert (second.path / "results/trials" / record.name).read_bytes() == damaged
        assert "up to date" in second.run("dvc", "status")
        said = second.run("snakemake", "-n")
        assert f"results/trials/{record.name}: is damaged (its checksum does not hold)" in said
        assert re.findall(r"^trial (\S+):", said, re.M) == [record.stem]


def test_credentials_stay_on_this_machine(fresh, tmp_path):
    clone = fresh.copy(tmp_path / "zdl")
    clone.run("dvc", "remote", "add", "--default", "storage", "s3://bucket/zdl")
    secret = secrets.token_hex()
    clone.run("dvc", "remote", "modify", "--local", "storage", "secret_access_key", secret)
    assert secret in (clone.path / ".dvc/config.local").read_text()
    clone.run("git", "check-ignore", "--quiet", ".dvc/config.local")
    clone.commit()
    clone.run("git", "grep", "--quiet", "s3://bucket/zdl", "HEAD")
    clone.run("git", "grep", "--quiet", secret, "HEAD", ok=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_keeps_credentials_out_of_what_is_committed(page):
    commands = re.findall(r"^\$ dvc remote modify (.+)$", page.read_text("utf-8"), re.M)
    secret = [command for command in commands if set(command.split()) & set(SECRETS)]
    assert secret and all(command.startswith("--local ") for command in secret)
    assert len([command for command in commands if command.split()[1:3] == ["verify", "true"]]) >= 1
