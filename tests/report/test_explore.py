"""The page of `make explore`: what it is handed, and what it does in a browser."""

import json
import re

import numpy as np
import pytest

from tests.analysis.test_ranking import record
from tests.browser import Browser
from tests.report.examples import SPACE, options, points
from tests.report.test_compare import side, trial
from tests.report.test_page import settings
from zdl.analysis import ranking
from zdl.problems.book import HYPERPARAMETERS
from zdl.report.explore.page import HERE, SCRIPTS, page
from zdl.report.explore.payload import review_payload, search_payload

MIXED = {
    **SPACE,
    "optimizer": options("sgd", "momentum", "adam"),
    "momentum": {"distribution": "uniform", "low": 0.5, "high": 0.99},
}
LABELS = np.array([0, 1, 2, 3], dtype=np.uint8)
WORDS = json.loads((HERE / "words.json").read_text("utf-8"))


def mixed(n=40):
    """Trials 0, 1, 2, ... of falling accuracy, each over its own epochs; the last diverged at once."""
    trials = []
    for k in range(n):
        optimizer = ("sgd", "momentum", "adam")[k % 3]
        point = {
            "lr": 1e-2 * 10 ** (-4 * k / n),
            "weight_decay": 10 ** -(4.5 + k % 7 / 2),
            "optimizer": optimizer,
        }
        if optimizer == "momentum":
            point["momentum"] = 0.9
        val = [max(0, 80 - 60 * k // n - 10 + epoch) for epoch in range(5 + k % 6)]
        trials.append(record(k, val, **point) if k < n - 1 else record(k, [], "diverged", **point))
    return trials


def replicates(trial, *answers):
    """What became of a trial's replicates, by what they take LABELS for; one that diverged has no answers."""
    outcomes = []
    for taken_for in answers:
        outcome = record(trial, [50, 70], "finished" if taken_for else "diverged")["outcome"]
        held_out = {"taken_for": taken_for, "confidence": "64646464"} if taken_for else None
        outcomes.append({**outcome, "held_out": held_out})
    return {trial: outcomes}


def payload(trials, space=MIXED, method="random", again=None):
    frame = ranking.rank({"trials": trials}, space)
    given = settings(space, len(trials), method=method)
    titles = {name: each.title[1] for name, each in HYPERPARAMETERS.items()}
    return search_payload(given, trials, frame, again or {}, LABELS, titles=titles)


def test_the_payload_has_every_value_of_every_trial_the_best_first():
    again = replicates(20, "00010203", "00010909", None)
    data = payload([*mixed()[20:], *mixed()[:20]], again=again)
    assert data["trials"] == [*range(20, 40), *range(20)] and data["diverged"] == [0] * 39 + [1]
    columns = {column["name"]: column for column in data["columns"]}
    assert [*columns] == [*MIXED, "val_acc", "train_acc"]
    assert columns["lr"]["scale"] == "log" and columns["lr"]["ends"] == [1e-6, 1e-2]
    assert columns["lr"]["values"][:2] == [0.01, 1e-2 * 10 ** (-4 / 40)]
    assert columns["momentum"]["values"][:4] == [None, 0.9, None, None]
    assert columns["optimizer"]["options"] == ["sgd", "momentum", "adam"]
    assert columns["val_acc"]["values"][-1] is None and data["val"][-1] == []
    assert data["val"][0] == [70, 71, 72, 73, 74] and data["sizes"] == [100, 400]
    assert [each["held_out"] for each in data["replicates"][20]] == [1, 0.5, None]
    assert [each["diverged"] for each in data["replicates"][20]] == [False, False, True]


@pytest.mark.parametrize("method", ["random", "halton", "grid", "bayes"])
def test_the_surrogate_expects_more_where_the_trials_scored_more(method):
    space = (
        {name: points(spec["low"], spec["high"], 5) for name, spec in SPACE.items()}
        if method == "grid"
        else SPACE
    )
    (surface,) = payload(mixed(), space, method)["surfaces"]
    assert surface["names"] == ("lr", "weight_decay")
    assert len(surface["expected"]) == len(surface["x"]) and len(surface["expected"][0]) == len(surface["y"])
    assert np.mean(surface["expected"][-1]) > np.mean(surface["expected"][0]) + 0.3


def test_a_search_of_one_hyper_parameter_or_without_scores_has_no_surface():
    one = payload(mixed(), {"lr": SPACE["lr"]})
    assert one["surfaces"] == [] and one["axes"] == ["lr", "val_acc"]
    none = payload([record(k, [], "diverged", lr=1e-3, weight_decay=1e-6) for k in range(3)], SPACE)
    assert none["surfaces"] == [] and none["diverged"] == [1, 1, 1]


def test_every_word_of_the_page_is_in_both_languages_and_used():
    text = "".join(
        (HERE / name).read_text("utf-8") for name in ("page.html", *(f"{each}.js" for each in SCRIPTS))
    )
    for key, (english, japanese) in WORDS.items():
        assert re.search(rf'["\'.]{key}\b', text), key
        assert english and re.findall(r"\{\w+\}", english).sort() == re.findall(r"\{\w+\}", japanese).sort()
    assert set(re.findall(r'data-word="(\w+)"', text)) <= set(WORDS)
    assert set(re.findall(r'\bword\("(\w+)"', text)) <= set(WORDS)


def test_no_text_of_the_data_ends_the_script():
    html = page({"text": "</script><script>", "columns": []}).decode()
    assert html.count("</script>") == 3


@pytest.fixture(scope="module")
def shared_browser(tmp_path_factory):
    """A page of 40 trials, open in a browser."""
    folder = tmp_path_factory.mktemp("explore")
    data = payload(mixed(), again=replicates(0, "00010203", "00010909", None))
    (folder / "explore.html").write_bytes(page(data))
    with Browser(folder / "explore.html", folder / "profile") as browser:
        yield browser
        assert browser.errors == []
        assert browser.requests == [(folder / "explore.html").as_uri()]


@pytest.fixture
def browser(shared_browser):
    """That page as it was opened."""
    shared_browser.run("document.getElementById('reset').click(); choose(0); hover(null)")
    shared_browser.run("Object.assign(state, {sort: 'rank', descending: false, language: 0}); translate()")
    shared_browser.until("true")
    return shared_browser


def corner(browser, plot):
    box = browser.run(
        f"(({{left, top}}) => [left, top])(document.getElementById('{plot}').getBoundingClientRect())"
    )
    return tuple(box)


def dot(browser, place):
    """Where the dot of a trial is on the page."""
    left, top = corner(browser, "dots")
    x, y = browser.run(f"dots.point(...dots.columns.map(column => column.shares[{place}]))")
    return left + x, top + y


def on_axis(browser, name, share):
    """Where a share of an axis of the parallel coordinates is on the page."""
    left, top = corner(browser, "lines")
    k = browser.run(f"AXES.findIndex(column => column.name === '{name}')")
    return left + browser.run(f"lines.axis({k})"), top + browser.run(f"lines.height({share})")


def curve(browser, name):
    """The values of a learning curve, from where it is drawn."""
    drawn = browser.run(f"document.querySelector('#detail .{name}').getAttribute('points')")
    labels = browser.run(
        "[...document.querySelectorAll('#detail svg text[text-anchor=end]')]"
        ".map(text => [text.textContent, text.getAttribute('y')])"
    )
    (low, bottom), *_, (high, top) = [(float(value), float(y) - 4) for value, y in labels]
    heights = [float(point.split(",")[1]) for point in drawn.split()]
    return [low + (high - low) * (bottom - y) / (bottom - top) for y in heights]


def rows(browser, column):
    """What the table shows in a column."""
    heads = browser.run("[...thead.querySelectorAll('button')].map(button => button.dataset.sort)")
    cells = browser.run("[...tbody.rows].map(row => [...row.cells].map(cell => cell.textContent))")
    return [row[heads.index(column)] for row in cells]


@pytest.mark.parametrize("place", [0, 7, 20])
def test_a_click_on_a_dot_shows_the_curves_and_numbers_of_its_trial(browser, place):
    browser.mouse(dot(browser, place))
    shown = mixed()[place]
    expected = [count / 100 for count in shown["outcome"]["curve"]["val_correct"]]
    assert curve(browser, "val") == pytest.approx(expected, abs=0.002)
    assert curve(browser, "train") == pytest.approx(expected, abs=0.002)
    text = browser.run("document.getElementById('detail').innerText")
    assert f"Trial {place}, Best-{place + 1}" in text
    assert f"({round(expected[-1] * 100)} of 100)" in text
    assert ("held-out" in text) == (place == 0)
    assert rows(browser, "trial")[
        browser.run("[...tbody.rows].findIndex(row => row.classList.contains('chosen'))")
    ] == str(place)


def test_the_replicates_of_a_trial_are_beside_its_curve(browser):
    cells = browser.run(
        "[...document.querySelectorAll('.replicates tr')].map(row => row.innerText.split('\\t'))"
    )
    assert cells == [
        ["replicate", "mean", "1", "2", "3"],
        ["validation", "0.700", "0.7", "0.7", "diverged"],
        ["held-out", "0.750", "1.000", "0.500", "–"],
    ]
    assert browser.run("document.querySelectorAll('#detail .replicate').length") == 3


def test_a_trial_is_shown_under_the_mouse_and_the_chosen_one_after_it(browser):
    x, y = dot(browser, 12)
    for point, heading in (((x, y), "Trial 12, "), ((5, 5), "Trial 0, ")):
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=point[0], y=point[1])
        browser.until("true")
        assert browser.run("document.querySelector('#detail h2').textContent").startswith(heading)


def test_a_line_can_be_clicked(browser):
    x, y = (
        sum(ends) / 2
        for ends in zip(*(on_axis(browser, name, share(browser, name, 3)) for name in SPACE), strict=True)
    )
    browser.mouse((x, y))
    assert browser.run("state.chosen") == 3


def share(browser, name, place):
    return browser.run(f"COLUMNS['{name}'].shares[{place}]")


def test_a_brush_on_an_axis_filters_the_table_and_a_click_takes_it_back(browser):
    browser.mouse(
        on_axis(browser, "val_acc", 0.5), on_axis(browser, "val_acc", 0.6), on_axis(browser, "val_acc", 1)
    )
    expected = [trial for trial in mixed()[:-1] if trial["outcome"]["curve"]["val_correct"][-1] >= 50]
    assert 5 < len(expected) < 35
    assert rows(browser, "trial") == [str(trial["trial"]) for trial in expected]
    assert (
        browser.run("document.getElementById('count').textContent")
        == f"{len(expected)} of 40 trials selected"
    )
    assert browser.run("document.querySelector('[data-filter=val_acc]').value") == "0.5..1"
    browser.mouse(on_axis(browser, "optimizer", 0.4), on_axis(browser, "optimizer", 0.6))
    assert rows(browser, "optimizer") == ["momentum"] * len([t for t in expected if t["trial"] % 3 == 1])
    browser.mouse(on_axis(browser, "optimizer", 0.5))
    browser.mouse(on_axis(browser, "val_acc", 0.6))
    assert len(rows(browser, "trial")) == 40


def test_a_brush_over_the_dots_selects_by_both_axes(browser):
    low, high = (browser.run(f"dots.point({ends})") for ends in ("0.5, 0", "1, 0.75"))
    left, top = corner(browser, "dots")
    browser.mouse((left + low[0], top + low[1]), (left + high[0], top + high[1]))
    inside = [t for t in mixed() if t["point"]["lr"] >= 1e-4 and t["point"]["weight_decay"] <= 1e-5]
    assert rows(browser, "trial") == [str(trial["trial"]) for trial in inside]


def typed(browser, name, text):
    """Type a filter."""
    browser.run(
        f"(input => {{ input.value = '{text}'; input.dispatchEvent(new Event('input', {{bubbles: true}})) }})"
        f"(document.querySelector('[data-filter={name}]'))"
    )
    browser.until("true")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("trial", ">= 37", ["37", "38", "39"]),
        ("trial", "2..4", ["2", "3", "4"]),
        ("rank", "1", ["0"]),
        ("status", "div", ["39"]),
        ("status", "発散", ["39"]),
        ("momentum", "0.9..1", [str(k) for k in range(1, 40, 3)]),
        ("optimizer", "adam, momentum", [str(k) for k in range(40) if k % 3]),
        ("lr", "fast", [str(k) for k in range(40)]),
        ("optimizer", "adma", [str(k) for k in range(40)]),
    ],
)
def test_a_filter_is_typed_and_one_that_cannot_be_read_is_marked(browser, name, text, expected):
    typed(browser, name, text)
    assert rows(browser, "trial") == expected
    marked = browser.run(f"document.querySelector('[data-filter={name}]').getAttribute('aria-invalid')")
    assert marked == ("true" if len(expected) == 40 else "false")


def test_a_heading_sorts_and_sorts_the_other_way_and_blanks_are_last(browser):
    for descending in (False, True):
        browser.run("document.querySelector('[data-sort=val_acc]').click()")
        shown = rows(browser, "val_acc")
        numbers = [float(text) for text in shown[:-1]]
        assert shown[-1] == "–" and numbers == sorted(numbers, reverse=descending)


def test_other_axes_have_no_contours_and_say_which_trials_are_missing(browser):
    note = "document.getElementById('ground').textContent"
    assert "first 40 trials" in browser.run(note)
    select = "(s => {{ s.value = '{}'; s.dispatchEvent(new Event('change')) }})(document.getElementById('y'))"
    browser.run(select.format("momentum"))
    browser.until("true")
    assert "first 40 trials" in browser.run(note) and "have no dot: 27." in browser.run(note)
    browser.run(select.format("val_acc"))
    browser.until("true")
    assert browser.run(note) == "Selected trials without such a value, which have no dot: 1."
    browser.run(select.format("weight_decay"))


@pytest.mark.parametrize(("x", "y"), [("lr", "weight_decay"), ("weight_decay", "lr")])
def test_the_ground_is_brighter_where_more_is_expected_whichever_axis_that_is(browser, x, y):
    browser.run(f"Object.assign(state, {{x: '{x}', y: '{y}'}}); redraw()")
    browser.until("true")
    ends = [(0.05, 0.52), (0.95, 0.52)] if x == "lr" else [(0.52, 0.05), (0.52, 0.95)]
    worse, better = (
        browser.run(f"[...dots.ground.getImageData(...dots.point({a}, {b}), 1, 1).data][1]") for a, b in ends
    )
    assert better > worse + 20
    browser.run("Object.assign(state, {x: DATA.axes[0], y: DATA.axes[1]})")


def test_a_switch_gives_the_page_in_japanese(browser):
    english = browser.run("document.body.innerText")
    browser.run("document.getElementById('language').click()")
    browser.until("true")
    japanese = browser.run("document.body.innerText")
    assert browser.run("document.documentElement.lang") == "ja"
    for text in (english, japanese):
        assert not re.search(r"undefined|NaN|\{|\[object", text)
    latin = set(re.findall(r"[A-Za-z]{3,}", japanese)) - {
        "English",
        "Weight",
        "decay",
        "Best",
        "sgd",
        "momentum",
        "adam",
    }
    assert latin == set()


def test_the_page_of_a_review_has_the_trials_of_both_revisions_and_those_of_both_once(tmp_path):
    trials = (trial(0, 0.8, 1e-3), trial(1, 0.7, 1e-4), trial(2, 0.6, 1e-5))
    old, new = (
        side("main", *trials),
        side("here", trials[1], trial(2, 0.5, 1e-4), trial(3, None, 1e-2, status="diverged")),
    )
    curves = b"rank,trial,epoch,train_acc,val_acc\n{},1,1,0.1,0.2\n{},1,2,0.6,0.7\n"
    data = review_payload(old, new, [None, curves.replace(b"{}", b"1")])
    assert list(zip(data["trials"], data["ranks"], data["columns"][0]["values"], strict=True)) == [
        (0, 1, "main"), (1, 1, "both"), (2, 2, "here"), (2, 3, "main"), (3, 3, "here"),
    ]  # fmt: skip
    assert data["val"] == [None, [0.2, 0.7], None, None, None]
    (tmp_path / "explore.html").write_bytes(page(data))
    with Browser(tmp_path / "explore.html", tmp_path / "profile") as browser:
        assert "learning curves of the best trials only" in browser.run("document.body.innerText")
        browser.mouse(dot(browser, 1))
        assert curve(browser, "val") == pytest.approx([0.2, 0.7], abs=0.002)
        typed(browser, "side", "both")
        assert rows(browser, "trial") == ["1"]
        browser.run("document.getElementById('language').click()")
        browser.until("true")
        assert rows(browser, "side") == ["両方"]
        assert browser.errors == []


def test_ten_thousand_trials_are_drawn_at_once_and_the_page_says_how(tmp_path):
    data = payload(mixed(10_000), {name: MIXED[name] for name in ("lr", "optimizer")})  # without a surrogate
    (tmp_path / "explore.html").write_bytes(page(data))
    with Browser(tmp_path / "explore.html", tmp_path / "profile") as browser:
        assert "2,000 have a line" in browser.run("document.getElementById('sampled').textContent")
        drawn = browser.run("lines.drawn")
        assert drawn == sorted(set(drawn)) and drawn[0] == 0 and drawn[-1] > 9990
        assert len(drawn) == 2000 and len(rows(browser, "trial")) == 100
        frame = (
            "const start = performance.now(); select(); drawSelection(); dots.base.getImageData(0, 0, 1, 1)"
        )
        seconds = browser.run(f"(() => {{ {frame}; return (performance.now() - start) / 1000 }})()")
        assert seconds < 1  # 0.03 on a quiet machine; Vega takes ten times that
        browser.mouse(on_axis(browser, "val_acc", 0.79), on_axis(browser, "val_acc", 0.9))
        assert browser.run("document.getElementById('sampled').textContent") == ""
        assert 0 < browser.run("lines.drawn.length") == browser.run("state.selected.length") < 2000
        assert browser.errors == []
