"""Sealed files: whole contents or `CorruptFileError`, whatever the bytes."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zdl.artifacts import io
from zdl.artifacts.encoding import CorruptFileError, sealed_json, sealed_npz
from zdl.artifacts.io import read_json, read_npz, write

JSON = sealed_json({"digest": "abc", "counts": [1, 2, 3]})
NPZ = sealed_npz({"x": np.arange(6, dtype=np.float32).reshape(2, 3)}, "abc")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_is_read(elsewhere):
    write("a/b.json", JSON)
    write("a/b.npz", NPZ)
    assert read_json("a/b.json", "abc")["counts"] == [1, 2, 3]
    x = read_npz("a/b.npz", "abc")["x"]
    assert x.dtype == np.float32 and x.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_users_umask_holds_and_no_other_file_is_left(elsewhere):
    for mask, mode in ((0o022, 0o644), (0o027, 0o640), (0o002, 0o664)):
        old = os.umask(mask)
        write("a/b.json", JSON)
        assert os.umask(old) == mask
        assert stat.S_IMODE(os.stat("a/b.json").st_mode) == mode
    assert os.listdir() == ["a"] and os.listdir("a") == ["b.json"]


def test_what_is_being_written_is_none_of_the_others(elsewhere):
    for name in ("kept", "other", "young.tmp", "old.tmp"):
        write(f"a/{name}", JSON)
    os.utime("a/old.tmp", (0, 0))
    assert {path.name for path in io.others(Path("a"), Path("a/kept"))} == {"other", "old.tmp"}
    assert io.others(Path("none")) == set()


def test_another_digest_is_refused():
    write("b.json", JSON)
    write("b.npz", NPZ)
    for read, path in ((read_json, "b.json"), (read_npz, "b.npz")):
        for other, named in (("abd", "abd"), ("residual weights", "residual weights"), (64 * "a", 12 * "a")):
            with pytest.raises(
                CorruptFileError, match=f"{path}: holds something else \\(abc, not {named}\\)"
            ):
                read(path, other)
        with pytest.raises(CorruptFileError, match="none: cannot be read"):
            read("none", "abc")


@settings(deadline=None)
@given(data=st.data(), which=st.sampled_from([("b.json", JSON, read_json), ("b.npz", NPZ, read_npz)]))
def test_no_changed_byte_and_no_cut_is_accepted(data, which):
    path, whole, read = which
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        broken = whole[:place]
    else:
        broken = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    write(path, broken)
    with pytest.raises(CorruptFileError, match="checksum does not hold"):
        read(path, "abc")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(elsewhere, monkeypatch):
    write("a/b.json", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(io.os, "replace", full)
    with pytest.raises(OSError, match="No space left") as error:
        write("a/b.json", b"new")
    assert error.value.filename == "a/b.json"  # the system names no file when the disk is full
    left = sorted(str(path.relative_to(elsewhere)) for path in elsewhere.rglob("*") if path.is_file())
    assert left == ["a/b.json"] and (elsewhere / "a/b.json").read_bytes() == b"old"
