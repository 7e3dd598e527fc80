"""Files with a right checksum and any contents: anybody can compute a checksum.

The reader gives contents with which every later step works, or raises one printable line.
"""

import copy
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.test_settings import places
from tests.engines import PARAMS
from zdl import Error
from zdl.analysis import ranking
from zdl.artifacts import manifest, schemas
from zdl.artifacts.encoding import HEX, CorruptFileError, sealed_json, sealed_npz
from zdl.artifacts.io import LIMIT, File, read_json, read_npz, write
from zdl.artifacts.schemas import PREPARED, RAW, SPLIT, is_record, is_table
from zdl.config.settings import load
from zdl.nn import weights
from zdl.nn.history import History
from zdl.pipeline import cache, records, repair
from zdl.pipeline.paths import Paths
from zdl.pipeline.planned import find_trial
from zdl.problems.book import train
from zdl.report.book_lines import best_lines
from zdl.search import plan
from zdl.search.trial import Trial, describe, record, training

DIGEST = "5" * HEX
SETTINGS = load(PARAMS)
SETTINGS["training"]["epochs"] = 2
SETTINGS["model"] |= {"hidden_width": 3, "hidden_depth": 1}
SETTINGS["search"]["trials"] = 3
TRIALS = plan.trials(SETTINGS, DIGEST, "zdl.problems.book:train")
KNOWN = [(trial.number, trial.key, trial.point) for trial in TRIALS]
HITS = np.array([True, False, True])
HISTORIES = [
    History(9, 3, print, [4, 5], [1, 2], HITS, HITS, [2.5, 1.25]),
    History(9, 3, print, [4], [1], HITS, None, [2.5]),
    History(9, 3, print, [4, 9], [1, 0], HITS, HITS, [2.5, 3.0]),
]
RECORDS = [
    json.loads(record(trial.number, trial.spec, describe(history)))
    for trial, history in zip(TRIALS, HISTORIES, strict=True)
]
for one in RECORDS:
    del one["sha256"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seal(body, end=b'"}\n'):
    return body + hashlib.sha256(body).hexdigest().encode() + end


def seal_json(value):
    """As `sealed_json`, but for anything that a JSON text can say (NaN, numbers of any length)."""
    return seal(json.dumps({**value, "sha256": ""}).removesuffix('"}').encode())


def is_one_line(error):
    return str(error).isprintable() and len(str(error)) < 400


# JSON.

RAW_JSON = {
    "a list": b'["abc", "',
    "a number": b"1",
    "text": b'"abc',
    "no digest": b'{"sha256": "',
    "no seal of its own": b'{"digest": "abc", "sha512": "',
    "a digest of two lines": b'{"digest": "a\\nb\\u001b[31m", "sha256": "',
    "a digest that is a list": b'{"digest": ["abc"], "sha256": "',
    "not UTF-8": b'{"digest": "abc", "x": "\xff", "sha256": "',
    "a number of a million digits": b'{"digest": "abc", "x": ' + b"9" * 10**6 + b', "sha256": "',
    "100,000 lists in lists": b'{"digest": "abc", "x": ' + b"[" * 10**5 + b"]" * 10**5 + b', "sha256": "',
    "100,000 lists, left open": b'{"digest": "abc", "x": ' + b"[" * 10**5 + b', "sha256": "',
}


@pytest.mark.parametrize("body", RAW_JSON.values(), ids=RAW_JSON)
def test_json_that_is_no_contents_is_refused(body):
    write("a.json", seal(body))
    with pytest.raises(
        CorruptFileError, match=r"a\.json: (does not hold what it should|holds something else)"
    ) as error:
        read_json("a.json", "abc")
    assert is_one_line(error.value)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(
        [10**400, -(10**20), 60_001, "finished", "diverged", "f" * HEX, "../../x", "/dev/zero"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def edits(draw, value):
    """`value` with a few of its parts replaced, deleted, or joined by others."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(value))))
        holder = value
        for key in path:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "replace", "delete", "add"])):
            case "replace":
                holder[last] = draw(ANY)
            case "delete":
                del holder[last]
            case "add" if isinstance(holder, dict):
                holder[draw(st.text(max_size=4))] = draw(ANY)
            case "add":
                holder.insert(last, draw(ANY))
        if not value:
            break
    return value


def works(table):
    """Every later step takes the table: what they make of it can be written."""
    names = SETTINGS["search"]["space"]
    frame = ranking.rank(table, names)
    ranking.csv(frame), ranking.csv(ranking.curves(table, frame, 2)), best_lines(frame)
    json.dumps(ranking.metrics(table, frame, 2), allow_nan=False)


@given(which=st.integers(0, 2), data=st.data())
def test_any_record_is_fit_for_the_table_or_refused(which, data):
    value = data.draw(edits(RECORDS[which]))
    write("r.json", seal_json(value))
    try:
        found = read_json("r.json", TRIALS[which].digest, is_record)
    except CorruptFileError as error:
        assert is_one_line(error)
        return
    rows = plan.table(TRIALS, [*RECORDS[:which], found, *RECORDS[which + 1 :]])
    table = {"digest": "t", "data": DIGEST, "libraries": {}, "commonest": 2, "trials": rows}
    sealed_json(table)
    works(table)
    assert is_table(table, KNOWN, 3)


BAD_RECORDS = {
    "no outcome": lambda r: r.pop("outcome"),
    "no result": lambda r: r.pop("result"),
    "a result of two lines": lambda r: r.update(result="a\nb"),
    "another trial's spec": lambda r: r.update(spec=RECORDS[1]["spec"]),
    "no curve": lambda r: r["outcome"].pop("curve"),
    "half a curve": lambda r: r["outcome"]["curve"].pop("train_correct"),
    "no loss": lambda r: r["outcome"].pop("loss"),
    "a loss that is no number": lambda r: r["outcome"].update(loss=[1.0, float("nan")]),
    "a status of its own": lambda r: r["outcome"].update(status="fine"),
    "finished without an end": lambda r: r["outcome"].update(final=None),
    "finished without a curve": lambda r: r["outcome"]["curve"].update(train_correct=[], val_correct=[]),
    "curves of two lengths": lambda r: r["outcome"]["curve"]["val_correct"].pop(),
    "more hits than images": lambda r: r["outcome"]["curve"].update(val_correct=[1, 4]),
    "half a hit": lambda r: r["outcome"]["curve"].update(val_correct=[1, 0.5]),
    "no images": lambda r: r["outcome"]["curve"].update(val_correct=[0, 0], val_size=0),
    "one key more": lambda r: r["outcome"].update(more=float("inf")),
}


@pytest.mark.parametrize("edit", BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_record_of_the_wrong_shape_is_made_again(edit):
    """Nobody reads it; and who looks for damage before a run moves it out of the way."""
    trial, value = TRIALS[0], copy.deepcopy(RECORDS[0])
    edit(value)
    write(records.record(trial).path, seal_json(value))
    with pytest.raises(CorruptFileError, match="does not hold what it should"):
        read_json(records.record(trial).path, trial.digest, is_record)
    assert cache.missing([records.record(TRIALS[0])]) == [records.record(trial).path]
    today = Paths(SETTINGS)
    today.first = [trial]
    assert repair.damage(today)[records.record(trial).path].startswith(
        f"{records.record(trial).path}: does not hold what it should"
    )


TABLE = {
    "digest": "t",
    "data": DIGEST,
    "libraries": {"numpy": "2.4.6"},
    "commonest": 2,
    "trials": plan.table(TRIALS, RECORDS),
}


@given(value=edits(TABLE))
def test_any_table_is_fit_for_the_ranking_or_refused(value):
    write("t.json", seal_json(value))
    try:
        table = read_json("t.json", "t", lambda contents: is_table(contents, KNOWN, 3))
    except CorruptFileError as error:
        assert is_one_line(error)
    else:
        works(table)


@pytest.mark.parametrize("commonest", [0, 4, 1.5, "2", None])
def test_a_share_that_no_class_can_have_is_refused(commonest):
    """Each trial is scored by 3 images."""
    assert is_table(TABLE, KNOWN, 3)
    assert not is_table({**TABLE, "commonest": commonest}, KNOWN, 3)


# The plan, and manifests: names of files in files.


@given(data=st.data())
def test_any_plan_gives_the_trial_that_was_asked_for_or_refuses(data):
    trial = TRIALS[0]
    value = data.draw(edits({"name": trial.name, "line": [trial.number, trial.point, trial.spec]}))
    name, line = value.get("name"), value.get("line")
    write("plan.json", f'{{"digest": "d",\n{json.dumps(name)}: {json.dumps(line)},\n'.encode())
    try:
        found = find_trial(Path("plan.json"), trial.name)
    except Error as error:
        assert is_one_line(error)
        return
    assert found.spec == trial.spec


@pytest.mark.parametrize("split", ["../../x", "/etc/passwd", "5" * 63, "G" * 64, "5" * 64 + "\n", 7, None])
def test_a_split_that_is_no_digest_is_no_path(split):
    trial = Trial(0, {}, {**TRIALS[0].spec, "split": split})
    write("plan.json", sealed_json({"digest": "d", trial.name: [0, {}, trial.spec]}))
    with pytest.raises(Error, match=r"trial .*: is not in plan|does not hold what it should"):
        find_trial(Path("plan.json"), trial.name)


def test_a_plan_that_is_not_today_s_is_set_aside():
    today = Paths(SETTINGS)
    lines = plan.plan_lines(today.first)
    write(today.plan.path, sealed_json({"digest": today.plan.digest, **lines}))
    assert repair.repair(today) == []
    write(today.plan.path, sealed_json({"digest": today.plan.digest, **lines, "0000-x": [0, {}, {}]}))
    (line,) = repair.repair(today)
    assert line.startswith(f"{today.plan.path}: does not hold what it should")


@pytest.mark.parametrize("files", [None, ["page.md"], {"page.md": 7}, "page.md", {"a\0b": "0"}])
def test_a_manifest_of_the_wrong_shape_vouches_for_nothing(files):
    write("page.md", b"page")
    write("manifest.json", sealed_json({"digest": DIGEST, "files": files}))
    assert not manifest.is_current(File(Path("manifest.json"), DIGEST))


def test_a_manifest_reads_nothing_outside_the_project(tmp_path, monkeypatch):
    write("page.md", b"page")
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    sums = hashlib.sha256(b"page").hexdigest()
    for path in ("../page.md", str(tmp_path / "page.md"), "/dev/zero"):
        write("manifest.json", sealed_json({"digest": DIGEST, "files": {path: sums}}))
        assert not manifest.is_current(File(Path("manifest.json"), DIGEST))


# Archives.

IMAGES = {
    "x_train": np.full((4, 784), 0.5, np.float32),
    "t_train": np.arange(4, dtype=np.uint8),
    "x_val": np.zeros((2, 784), np.float32),
    "t_val": np.array([0, 9], np.uint8),
    "classes": np.array(list("0123456789")),
}
MEMBERS = {**IMAGES, "digest": np.array(DIGEST)}


def npy(array, **kwargs):
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array), **kwargs)
    return out.getvalue()


def archive(members):
    """A sealed ZIP file of (name, bytes) pairs."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.comment = bytes(HEX)
        for name, data in members:
            file.writestr(name, data)
    return seal(out.getvalue()[:-HEX], b"")


def split_with(**changed):
    """The members of a whole split, but for some."""
    members = {f"{name}.npy": npy(array) for name, array in MEMBERS.items()} | {
        f"{name}.npy": data for name, data in changed.items()
    }
    return [(name, data) for name, data in members.items() if data is not None]


def header(text):
    return b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text.encode() + b"\n"


class Pickled:
    """What would leave a file behind if it were ever unpickled."""

    def __reduce__(self):
        return os.mkdir, ("unpickled",)


PICKLE = npy(np.array([Pickled()], object), allow_pickle=True)
FOREIGN = {
    "no ZIP": seal(b"PK\x05\x06" + b"x" * 400, b""),
    "an empty ZIP": archive([]),
    "no digest": archive([(name, data) for name, data in split_with() if name != "digest.npy"]),
    "a path": archive([*split_with(x_val=None), ("../../x_val.npy", npy(IMAGES["x_val"]))]),
    "an absolute path": archive([*split_with(), ("/tmp/x.npy", npy(IMAGES["x_val"]))]),
    "a pickle": archive(split_with(x_val=PICKLE)),
    "a digest that is a pickle": archive(split_with(digest=PICKLE)),
    "a digest of two lines": archive(split_with(digest=npy(np.array("a\nb")))),
    "a header that is code": archive(split_with(x_val=header("__import__('os').mkdir('unpickled')"))),
    "no array": archive(split_with(x_val=b"x")),
    "an array cut short": archive(split_with(x_val=npy(IMAGES["x_val"])[:-1])),
    "records": archive(split_with(x_val=npy(np.zeros(2, "f4,f4")))),
    "no labels": archive(split_with(t_val=None)),
    "one array more": archive(split_with(x_test=npy(IMAGES["x_val"]))),
    "complex numbers": archive(split_with(x_val=npy(IMAGES["x_val"].astype(complex)))),
    "columns, which a split has not": archive(split_with(columns=npy(np.zeros(0, str)))),
    "no classes": archive(split_with(classes=None)),
    "classes that are numbers": archive(split_with(classes=npy(np.arange(10)))),
    "a table of classes": archive(split_with(classes=npy(np.full((10, 2), "a")))),
    "labels of another type": archive(split_with(t_val=npy(np.zeros(2, np.uint16)))),
    "28 rows an image": archive(split_with(x_val=npy(IMAGES["x_val"].reshape(2, 28, 28)))),
    "783 pixels": archive(split_with(x_val=npy(IMAGES["x_val"][:, 1:]))),
    "more labels than images": archive(split_with(t_val=npy(np.zeros(3, np.uint8)))),
    "one-hot labels": archive(split_with(t_val=npy(np.zeros((2, 10), np.uint8)))),
    "a label of 10": archive(split_with(t_val=npy(np.array([1, 10], np.uint8)))),
    "labels that are text": archive(split_with(t_val=npy(np.array(["1", "2"])))),
}


def test_a_whole_split_of_another_maker_is_taken():
    write("s.npz", archive(split_with()))
    assert all((read_npz("s.npz", DIGEST, SPLIT)[name] == array).all() for name, array in IMAGES.items())


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_archives_that_are_no_split_are_refused(data, elsewhere):
    write("s.npz", data)
    with pytest.raises(CorruptFileError, match=r"^s\.npz: (does not hold|holds something)") as error:
        read_npz("s.npz", DIGEST, SPLIT)
    assert is_one_line(error.value)
    assert sorted(path.name for path in elsewhere.iterdir()) == ["s.npz"]  # nothing was unpickled


@st.composite
def arrays(draw):
    """The bytes of an array, right or not."""
    dtype = draw(
        st.sampled_from(["<f4", ">f4", "<f8", "|u1", "<u2", "<i8", "|b1", "<U3", "|S3", "<c8", "f4,u1"])
    )
    shape = draw(st.sampled_from([(), (0,), (2,), (4,), (2, 784), (4, 784), (784, 2), (2, 0), (1, 2, 784)]))
    data = npy(np.zeros(shape, dtype, order=draw(st.sampled_from("CF"))))
    cut = draw(st.integers(0, len(data)) | st.just(len(data)))
    return data[:cut] + draw(st.binary(max_size=4) if cut < len(data) else st.just(b""))


@given(
    changed=st.dictionaries(st.sampled_from(list(MEMBERS)), arrays() | st.none(), max_size=3),
    more=st.lists(
        st.tuples(
            st.text("ab./\\\n\x1bé", min_size=1, max_size=9) | st.just("../x.npy"),
            arrays() | st.binary(max_size=99),
        ),
        max_size=2,
    ),
)
def test_any_archive_can_be_trained_on_or_is_refused(changed, more):
    write("s.npz", archive([*split_with(**changed), *dict(more).items()]))
    try:
        split = read_npz("s.npz", DIGEST, SPLIT)
    except CorruptFileError as error:
        assert is_one_line(error)
        return
    assert split.keys() == IMAGES.keys()
    if len(split["x_train"]) and len(split["x_val"]):
        training(TRIALS[0].spec, split, train)


@pytest.mark.parametrize(
    ("is_valid", "good"),
    [
        (RAW, {"x": (2, np.uint8), "x_held_out": (3, np.uint8)}),
        (PREPARED, {"x": (2, np.float32)}),
    ],
)
def test_images_of_each_step_have_their_type(is_valid, good):
    right = {name: np.zeros((n, 784), dtype) for name, (n, dtype) in good.items()}
    right |= {f"t{name[1:]}": np.zeros(n, np.uint8) for name, (n, _) in good.items()}
    right |= {"classes": np.array(["0", "1"]), "columns": np.array([], str)}
    write("i.npz", sealed_npz(right, DIGEST))
    assert read_npz("i.npz", DIGEST, is_valid).keys() == right.keys()
    for name, array in right.items():
        wrong = [np.zeros(array.shape, complex), None]
        wrong += [array[:1]] if name[0] in "xt" else [np.array([["a", "b"]]), np.array([0, 1])]
        wrong += [array.reshape(*array.shape, 1)] if name not in ("x", "columns") else []
        wrong += [np.array(["a"])] if name == "columns" else []  # of 784
        for other in wrong:
            some = (
                {**right, name: other} if other is not None else {k: v for k, v in right.items() if k != name}
            )
            write("i.npz", sealed_npz(some, DIGEST))
            with pytest.raises(CorruptFileError, match="does not hold what it should"):
                read_npz("i.npz", DIGEST, is_valid)


# The weights.

WEIGHTS = {"W1": np.ones((784, 3)), "b1": np.zeros(3), "W2": np.ones((3, 10)), "b2": np.zeros(10)}
WEIGHTS["activation"] = np.array("relu")
BAD_WEIGHTS = {
    "no activation": {"activation": None},
    "no activation of the name": {"activation": np.array("tanh\n")},
    "two activations": {"activation": np.array(["relu", "relu"])},
    "no first layer": {"W1": None},
    "no bias": {"b2": None},
    "layers that do not fit": {"b1": np.zeros(4), "W2": np.ones((4, 10))},
    "no inputs": {"W1": np.ones((0, 3))},
    "no units": {"W1": np.ones((784, 0)), "b1": np.zeros(0), "W2": np.ones((0, 10))},
    "numbers of two types": {"b1": np.zeros(3, np.float32)},
    "halves": {name: array.astype(np.float16) for name, array in WEIGHTS.items() if array.ndim},
    "bytes": {name: array.astype(np.uint8) for name, array in WEIGHTS.items() if array.ndim},
    "one array more": {"b3": np.zeros(3), "W3": np.zeros((10, 3))},
}


@pytest.mark.parametrize("changed", BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_weights_of_the_wrong_shape_are_refused(changed):
    arrays = {name: array for name, array in {**WEIGHTS, **changed}.items() if array is not None}
    write("w.npz", sealed_npz(arrays, schemas.WEIGHTS))
    with pytest.raises(Error) as error:
        weights.predict("w.npz", np.zeros((1, 784)))
    assert is_one_line(error.value)


@given(order=st.permutations(list(WEIGHTS)), sizes=st.lists(st.integers(0, 4), min_size=8, max_size=8))
def test_any_weights_read_digits_or_are_refused(order, sizes):
    shapes = [sizes[0:2], sizes[2:3], sizes[4:6], sizes[6:7]]
    arrays = dict(zip(WEIGHTS, [*map(np.ones, shapes), np.array("relu")], strict=True))
    write("w.npz", sealed_npz({name: arrays[name] for name in order}, schemas.WEIGHTS))
    try:
        weights.predict("w.npz", np.zeros((1, 12)))
    except Error as error:
        assert is_one_line(error)


# What is no plain file.


def test_no_device_no_pipe_and_no_giant_is_read(elsewhere):
    os.mkfifo("pipe")
    os.symlink("/dev/zero", "zeros")
    os.mkdir("folder")
    with open("giant", "wb") as file:
        file.truncate(LIMIT + 1)  # it has no blocks
    for name in ("pipe", "zeros", "folder", "giant"):
        for read in (read_json, read_npz):
            with pytest.raises(CorruptFileError, match=f"{name}: cannot be read"):
                read(name, DIGEST)
        with pytest.raises(CorruptFileError, match=f"{name}: cannot be read"):
            find_trial(Path(name), "0")
