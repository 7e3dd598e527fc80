"""zdl: the search of *Deep Learning from Scratch*, chapter 6, as functions of settings and seeds.

The library knows no engine and no command line: ``workflow/`` holds those.
"""


class Error(Exception):
    """A mistake in the settings or a file that is not what it should be, told in one line for a person.

    What cannot be printed is spelled out: names and values that come from a file may hold anything.
    """

    def __init__(self, line: str) -> None:
        super().__init__("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line))
