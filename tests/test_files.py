"""Sealed files: whole contents or `Damaged`, whatever the bytes; the same bytes for the same contents."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zdl import files
from zdl.files import Damaged, read_json, read_npz, sealed_json, sealed_npz, write

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


def test_anyone_can_open_a_sealed_file(elsewhere):
    write("b.npz", NPZ)
    with np.load("b.npz") as archive:
        assert archive["x"].shape == (2, 3)


def test_another_digest_is_refused():
    write("b.json", JSON)
    write("b.npz", NPZ)
    for read, path in ((read_json, "b.json"), (read_npz, "b.npz")):
        for other, named in (("abd", "abd"), ("residual weights", "residual weights"), (64 * "a", 12 * "a")):
            with pytest.raises(Damaged, match=f"{path}: holds something else \\(abc, not {named}\\)"):
                read(path, other)
        with pytest.raises(Damaged, match="none: cannot be read"):
            read("none", "abc")


@settings(deadline=None, max_examples=150)
@given(data=st.data(), which=st.sampled_from([("b.json", JSON, read_json), ("b.npz", NPZ, read_npz)]))
def test_no_changed_byte_and_no_cut_is_accepted(data, which):
    path, whole, read = which
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        broken = whole[:place]
    else:
        broken = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    write(path, broken)
    with pytest.raises(Damaged, match="checksum does not hold"):
        read(path, "abc")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_are_taken_for_a_file(noise):
    write("noise", noise)
    for read in (read_json, read_npz):
        with pytest.raises(Damaged):
            read("noise", "abc")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(elsewhere, monkeypatch):
    write("a/b.json", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="No space left") as error:
        write("a/b.json", b"new")
    assert error.value.filename == "a/b.json"  # the system names no file when the disk is full
    left = sorted(str(path.relative_to(elsewhere)) for path in elsewhere.rglob("*") if path.is_file())
    assert left == ["a/b.json"] and (elsewhere / "a/b.json").read_bytes() == b"old"


def test_alone_leaves_no_sibling(elsewhere):
    write("a/old.npz", b"1")
    write("a/new.npz", b"2", alone=True)
    assert [path.name for path in (elsewhere / "a").iterdir()] == ["new.npz"]


SOURCE = '''"""A module."""
import math


def area(r, scale=1.0):  # of a circle
    """What it says."""
    return f"{math.pi * r**2:.2f}" if scale else [None, r"\\d", 1e-7, not r]
'''
SAME = """import math
def area( r,scale = 1.0 ):
    return (f"{math.pi * r**2:.2f}"
            if scale else [None, r"\\d", 1e-7, not r])   # the same
"""


def read_anew(name):
    """The digest of a part, whose source may have changed since it was read."""
    files.code_digest.cache_clear()
    files._code.cache_clear()
    return files.code_digest(name)


def digest_of(source, elsewhere, monkeypatch):
    (elsewhere / "module.py").write_text(source)
    monkeypatch.setattr(files, "__file__", str(elsewhere / "files.py"))
    return read_anew("module")


def test_comments_formatting_and_docstrings_are_not_code(elsewhere, monkeypatch):
    assert digest_of(SOURCE, elsewhere, monkeypatch) == digest_of(SAME, elsewhere, monkeypatch)


@pytest.mark.parametrize("edit", [("2:.2f", "2:.3f"), ("1e-7", "1e-8"), ("r**2", "r**3"), ("not r", "r")])
def test_a_changed_number_is_other_code(edit, elsewhere, monkeypatch):
    changed = SOURCE.replace(*edit)
    assert changed != SOURCE
    assert digest_of(changed, elsewhere, monkeypatch) != digest_of(SOURCE, elsewhere, monkeypatch)


def test_the_digest_of_a_function_is_that_of_its_code_alone(elsewhere, monkeypatch):
    def digest_of_area(source):
        digest_of(source, elsewhere, monkeypatch)
        return read_anew("module.area")

    assert digest_of_area(SOURCE) == digest_of_area(SAME + "def other(): ...\n")
    assert digest_of_area(SOURCE) != digest_of_area(SOURCE.replace("1e-7", "1e-8"))


def test_the_digest_of_a_package_is_that_of_all_its_modules(elsewhere, monkeypatch):
    (elsewhere / "package").mkdir()
    monkeypatch.setattr(files, "__file__", str(elsewhere / "files.py"))

    def digest_after(name, source):
        (elsewhere / "package" / name).write_text(source)
        return read_anew("package/")

    digests = [
        digest_after("__init__.py", "ONE = 1\n"),
        digest_after("drawn.py", "TWO = 2\n"),
        digest_after("drawn.py", "TWO = 3\n"),
        digest_after("__init__.py", "ONE = 2\n"),
        digest_after("empty.py", ""),
    ]
    assert len(set(digests)) == 5
    assert digest_after("drawn.py", "TWO = 3  # all there is\n") == digests[-1]
    assert digest_after("notes.txt", "no code\n") == digests[-1]


def test_code_has_the_same_digest_on_every_python(elsewhere, monkeypatch):
    # Written down once; run on each Python that is supported.
    assert digest_of(SOURCE, elsewhere, monkeypatch)[:16] == "dfdd19d7892c3244"
