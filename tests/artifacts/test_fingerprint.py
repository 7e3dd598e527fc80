"""Fingerprints: which edits of a package change that of a function, and which do not."""

import ast
import json
import subprocess
import sys

import pytest

from tests.engines import ROOT
from zdl import Error
from zdl.artifacts import fingerprint
from zdl.artifacts.closure import Closure, Source

PACKAGE = {
    "__init__": "",
    "shapes": '''"""Areas."""
import math

from toy.rounding import DIGITS, nearest
from toy import text as words

SCALES = {"small": 1.0, "large": 10.0}


def area(r, scale="small"):  # of a circle
    """What it says."""
    return nearest(math.pi * r**2 * SCALES[scale], digits=DIGITS)


def label(r):
    return words.sentence(area(r))


class Circle:
    kind = "circle"

    def area(self, r):
        return area(r)


def describe(circle: Circle, r):
    return circle.area(r)
''',
    "rounding": """
import numpy as np

DIGITS = 3
UNUSED = 4


def nearest(value, digits):
    return _spread(np.round(value, digits))


def _spread(value):
    words = [value for value in (value,)]  # a name of a module, but here a variable
    return words[0]
""",
    "text": """
from pathlib import Path

FOLDER = Path(__file__).parent / "forms"


def sentence(value):
    return (FOLDER / "page.txt").read_text().format(value)


def other(value):
    return value
""",
}


@pytest.fixture
def toy(tmp_path):
    """Gives the fingerprint of a function of the toy package after edits (module, old, new)."""
    folder = tmp_path / "toy"
    (folder / "forms").mkdir(parents=True)

    def digest(entry, *edits, page="{} square"):
        texts = dict(PACKAGE)
        for module, old, new in edits:
            assert old in texts[module]
            texts[module] = texts[module].replace(old, new)
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(text)
        (folder / "forms/page.txt").write_text(page)
        return Closure(Source(folder), f"toy.{entry}")

    return digest


def names(closure):
    return {name for _, name in closure.definitions}


def test_a_closure_is_what_a_function_reaches(toy):
    assert names(toy("shapes:area")) == {"area", "SCALES", "DIGITS", "nearest", "_spread"}
    assert toy("shapes:area").libraries == {"numpy"}
    assert names(toy("shapes:label")) == names(toy("shapes:area")) | {"label", "sentence", "FOLDER"}
    assert names(toy("rounding:_spread")) == {"_spread"}


def test_an_object_that_is_handed_in_counts_with_its_class(toy):
    assert names(toy("shapes:describe")) == names(toy("shapes:area")) | {"describe", "Circle"}


SEEN = {
    "a constant": ("shapes", "r**2", "r**3"),
    "a default": ("shapes", '"small")', '"large")'),
    "an entry of a table": ("shapes", "10.0", "11.0"),
    "an imported constant": ("rounding", "DIGITS = 3", "DIGITS = 4"),
    "a helper of a helper": ("rounding", "words[0]", "words[-1]"),
    "what a name of a library means": ("rounding", "import numpy as np", "import scipy as np"),
    "which function a name means": ("shapes", "DIGITS, nearest", "DIGITS, _spread as nearest"),
    "which constant a name means": ("shapes", "import DIGITS, n", "import UNUSED as DIGITS, n"),
    "what is done when a module is imported": ("rounding", "UNUSED = 4", "np.seterr(all='raise')"),
    "what is done when a package is imported": ("__init__", "", "import math\nmath.tau = 6\n"),
    "a decorator": ("shapes", "def area(r, scale", "@staticmethod\ndef area(r, scale"),
}
FAST, SLOW = "from toy.fast import f", "from toy.slow import f"
BRANCHES = {  # a module that takes a function from one of two places: line by line
    "if": ["if 1 > 2:", f"    {FAST}", "else:", f"    {SLOW}"],
    "except": ["try:", f"    {FAST}", "except ImportError:", f"    {SLOW}"],
    "a name bound again": [SLOW, "f = [f][0]"],
    "not TYPE_CHECKING": ["from typing import TYPE_CHECKING", "if not TYPE_CHECKING:", f"    {SLOW}"],
    "a local import": [FAST, "def g(r):", f"    {SLOW}", "    return f(r)", "f = g"],
    "an import in a class": ["class C:", f"    {SLOW}", "def f(r):", "    return C.f(r)"],
    "a submodule": ["from toy import slow", "def f(r):", "    return slow.f(r)"],
    "a partial": ["from functools import partial", f"{SLOW} as h", "f = partial(h)"],
    "a table": [f"{SLOW} as h", "T = {}", "T['f'] = h", "def f(r):", "    return T['f'](r)"],
    "a decorator in a class": [f"{SLOW} as h", "class C:", "    @h", "    def g(r): ...", "def f(r): ..."],
}


@pytest.mark.parametrize("text", BRANCHES.values(), ids=BRANCHES)
def test_wherever_a_function_may_come_from_it_is_followed(tmp_path, text):
    folder = tmp_path / "toy"
    folder.mkdir()
    digests = []
    for slow in ("return r + 1", "return r + 2"):
        files = {"__init__": "", "fast": "def f(r):\n    return r\n", "slow": f"def f(r):\n    {slow}\n"}
        files["compat"] = "\n".join(text)
        files["main"] = "from toy.compat import f\ndef run(r):\n    return f(r)\n"
        for name, source in files.items():
            (folder / f"{name}.py").write_text(source)
        digests.append(Closure(Source(folder), "toy.main:run").digest)
    assert digests[0] != digests[1]


UNSEEN = {
    "a comment": ("shapes", "  # of a circle", ""),
    "a docstring": ("shapes", "What it says.", "What it does."),
    "formatting": ("shapes", "r**2 * SCALES", "r ** 2*SCALES"),
    "a type hint": ("shapes", "def area(r, scale", "def area(r: float, scale"),
    "a function that is not reached": ("shapes", "circle.area(r)", "circle.area(r + 1)"),
    "a constant that is not reached": ("rounding", "UNUSED = 4", "UNUSED = 5"),
    "a module that is not reached": ("text", "return value", "return -value"),
    "another name for a module": ("shapes", "import text as words", "import text as sentences"),
}


@pytest.mark.parametrize("edit", SEEN.values(), ids=SEEN)
def test_an_edit_of_what_a_function_reaches_is_seen(toy, edit):
    assert toy("shapes:area", edit).digest != toy("shapes:area").digest


@pytest.mark.parametrize("edit", UNSEEN.values(), ids=UNSEEN)
def test_an_edit_of_anything_else_is_not(toy, edit):
    edits = [edit] if edit[1] != "import text as words" else [edit, ("shapes", "words.s", "sentences.s")]
    assert toy("shapes:area", *edits).digest == toy("shapes:area").digest


def test_a_file_beside_a_module_counts_with_who_reads_it(toy):
    other = "{} in all"
    assert toy("shapes:label", page=other).digest != toy("shapes:label").digest
    assert toy("shapes:area", page=other).digest == toy("shapes:area").digest


def test_a_module_that_is_handed_on_counts_whole(toy):
    handed_on = ("shapes", "return words.sentence(area(r))", "return getattr(words, 'other')(r)")
    assert "other" in names(toy("shapes:label", handed_on))


def test_a_definition_that_moves_to_another_module_stays_the_same(toy, tmp_path):
    before = toy("shapes:area").digest
    moved = "def _spread(value):\n    words = [value for value in (value,)]\n    return words[0]\n"
    (tmp_path / "toy/moved.py").write_text(moved)
    tail = PACKAGE["rounding"][PACKAGE["rounding"].index("def _spread") :]
    imported = ("rounding", "import numpy as np\n", "import numpy as np\n\nfrom toy.moved import _spread\n")
    assert toy("shapes:area", ("rounding", tail, ""), imported).digest == before


@pytest.mark.parametrize(
    ("module", "old", "new", "line"),
    [
        ("shapes", "import math\n", "from math import *\n", "import [*] cannot be followed"),
        ("rounding", "np.round(value", "__import__('numpy').round(value", "__import__ cannot be followed"),
        ("rounding", "np.round(value", "importlib.import_module(value", "import_module cannot be followed"),
        ("rounding", "    words = [", "    global UNUSED\n    words = [", "global UNUSED cannot be followed"),
        ("rounding", "words[0]", "eval('words')", "eval cannot be followed"),
        ("shapes", "math.pi", "len(__doc__)", "__doc__ cannot be followed"),
    ],
)
def test_what_cannot_be_followed_is_refused(toy, module, old, new, line):
    with pytest.raises(Error, match=rf"{module}\.py: line \d+: {line}"):
        toy("shapes:area", (module, old, new))


def test_a_name_that_is_none_is_refused(toy):
    with pytest.raises(Error, match=r"toy\.shapes:volume: is not a definition of the project"):
        toy("shapes:volume")


CHANGES = {"append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "clear"}


@pytest.mark.parametrize("path", sorted((ROOT / "src/zdl").rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_of_the_project_is_changed_from_outside(path):
    """What another module binds or changes is in no closure of the one that it is changed in."""
    tree = ast.parse(path.read_text())
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for part in ast.walk(tree)
        if isinstance(part, ast.Import | ast.ImportFrom)
        for alias in part.names
        if "zdl" in (getattr(part, "module", None) or alias.name)
    }
    for part in ast.walk(tree):
        targets = getattr(part, "targets", [getattr(part, "target", None)])
        if isinstance(part, ast.Call) and getattr(part.func, "attr", None) in CHANGES:
            targets = [part.func]
        if isinstance(part, ast.Call) and getattr(part.func, "id", None) in ("setattr", "delattr"):
            targets = [ast.Attribute(part.args[0])]
        for target in targets:
            if isinstance(target, ast.Attribute | ast.Subscript):
                base = target
                while isinstance(base, ast.Attribute | ast.Subscript):
                    base = base.value
                assert getattr(base, "id", None) not in imported, ast.unparse(part)


def test_the_same_on_every_python(toy):
    # Written down once; run on each Python that is supported.
    assert toy("shapes:label").digest[:16] == "0ab407c7fa8c67bf"


def test_versions_of_libraries_are_told_beside_the_code():
    code, libraries = fingerprint.fingerprint("zdl.analysis.baseline:baseline")
    assert len(code) == 64 and libraries.keys() >= {"numpy", "scikit-learn"}
    assert "scipy" in libraries, "scikit-learn computes with it"
    assert fingerprint.fingerprint("zdl.search.trial:run").libraries.keys() == {"numpy"}
    assert "pillow" in fingerprint.fingerprint("zdl.report.drawing:best20").libraries


def test_what_was_worked_out_once_is_remembered_until_a_source_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ask = """
from zdl.artifacts import fingerprint
asked = fingerprint.fingerprint("zdl.search.trial:run")
print(len(fingerprint._new_entries), asked.code)
fingerprint.remember()
"""

    def answer():
        return subprocess.run(
            [sys.executable, "-c", ask],
            env={"PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    first, second = answer(), answer()
    assert (first[0], second[0]) == ("1", "0") and first[1] == second[1]
    memo = json.loads(fingerprint.MEMO.read_text())
    memo["sources"] = "0" * 64
    fingerprint.MEMO.write_text(json.dumps(memo))
    assert answer() == first
    fingerprint.MEMO.write_text("torn")
    assert answer() == first


def test_sources_that_were_edited_meanwhile_are_not_remembered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fingerprint, "_new_entries", {"zdl.search.trial:run": {"code": "0", "libraries": []}})
    monkeypatch.setattr(fingerprint, "_sources", lambda: "as the process met them")
    fingerprint.remember()
    assert not fingerprint.MEMO.exists()
