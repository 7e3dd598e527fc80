"""The best trials, trained again: other weights, other batches, another split; and then the held-out images.

The best of many trials owes some of its score to luck: with the draw of its weights and batches, and with
the images that happen to score it. A replicate has new luck in all three, and what it scores on images that
no
part of the search ever saw is luck's no longer. It is a trial like any other: its digest covers all that
determines it, and its record is kept in the store.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.io import CACHED_TRIALS, File, decode_npz
from zdl.artifacts.schemas import PREPARED, is_replicate
from zdl.data import preprocess
from zdl.nn.layers import softmax
from zdl.nn.network import MultiLayerNet
from zdl.search.trial import Say, Trial, describe, record, train

PREPARED_IMAGES, HELD_OUT = Path("data/prepared"), Path("data/held_out")


class Replicate(Trial):
    """One training more of a trial; its record has beside the outcome of one what the network takes the
    held-out images for."""

    entry = "zdl.search.replicates:run"
    fits = staticmethod(is_replicate)

    def __init__(self, number: int, point: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        super().__init__(number, point, spec)
        self.name = f"replicate-{self.key}"

    @property
    def record(self) -> Path:
        """Its place in the store: in `results/` lies the file of all replicates of a trial."""
        return CACHED_TRIALS / f"{self.key}.json"

    @property
    def inputs(self) -> dict[str, File]:
        prepared, held_out = self.spec["split"]["of"], self.spec["held_out"]
        return {
            "prepared": File(PREPARED_IMAGES / f"{prepared[:12]}.npz", prepared, PREPARED),
            "held_out": File(HELD_OUT / f"{held_out[:12]}.npz", held_out, PREPARED),
        }


def run(
    number: int, spec: Mapping[str, Any], prepared: bytes, held_out: bytes, say: Say | None = None
) -> bytes:
    """The record of a replicate, for which the trial is trained on another split of the prepared images."""
    split = redraw(decode_npz(prepared), spec["split"])
    network, history = train(spec, split._asdict(), say)
    finished = history.status == "finished"
    answers = answer(network, decode_npz(held_out)["x"]) if finished else None
    return record(number, spec, {**describe(history), "held_out": answers})


def splits(settings: Mapping[str, Any], prepared: str) -> list[dict[str, Any]]:
    """What determines the split of each replicate: replicate r of every trial has the same one, so that
    they can be compared in pairs. `prepared` is the digest of the images that are split anew."""
    rate, replicate = settings["split"]["validation_rate"], settings["replicate"]
    return [
        {"of": prepared, "validation_rate": rate, "seed": [replicate["seed"], number]}
        for number in range(1, replicate["replicates"] + 1)
    ]


def replicates(
    trial: Trial,
    splits: Iterable[Mapping[str, Any]],
    held_out: str,
    run: tuple[str, Mapping[str, str]],
) -> list[Replicate]:
    """The replicates of `trial`, one on each of `splits`; `held_out` is the digest of the images shown at the
    end, and `run` the fingerprint of the function of this name."""
    code, libraries = run
    found = []
    for split in splits:
        seed, number = split["seed"]
        determinants = {"seed": [seed, trial.number, number], "split": split, "held_out": held_out}
        made_by = {"code": code, "libraries": dict(libraries)}
        found.append(Replicate(trial.number, trial.point, {**trial.spec, **determinants, **made_by}))
    return found


def answer(network: MultiLayerNet, x: NDArray[Any]) -> dict[str, str]:
    """What a network takes the images x (n, ...) for, and its probability of that in whole percent (the last
    bits of a product differ between processors): two digits an image, in hexadecimal."""
    with np.errstate(over="ignore", invalid="ignore"):  # an image may be too much for a network that was not
        shares = np.nan_to_num(softmax(network.predict(x)))
    percent = np.rint(100 * shares.max(axis=1))
    return {"taken_for": _hex(shares.argmax(axis=1)), "confidence": _hex(percent)}


def answers(text: str) -> NDArray[np.uint8]:
    """The numbers in one of the texts of `answer`."""
    return np.frombuffer(bytes.fromhex(text), np.uint8)


def _hex(values: NDArray[Any]) -> str:
    return values.astype(np.uint8).tobytes().hex()


def redraw(images: Mapping[str, NDArray[Any]], split: Mapping[str, Any]) -> preprocess.Split:
    """Another split of the prepared images, as one of `splits` says."""
    return preprocess.split(images["x"], images["t"], split["validation_rate"], split["seed"])
