"""The analysis calls a trial by its place in the search, whatever number names its files."""

from zdl.analysis.results import _by_place


def test_replicates_are_of_a_place():
    trials = [{"trial": number} for number in (900000001, 0, 450000000)]
    files = [{"trial": number, "replicates": []} for number in (450000000, None)]
    assert [file["trial"] for file in _by_place(files, trials)] == [2, None]
