"""Replicates: the best trials trained again, with other weights, batches and splits, and the held-out images.

The best of many trials owes some of its score to chance: its weights, its batches, and the images that happen
to score it. A replicate draws all three anew, and is then shown images that no part of the search ever saw.
It is a trial like any other: its digest covers all that determines its record.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.encoding import decode_npz
from zdl.data import preprocess
from zdl.nn.layers import softmax
from zdl.nn.network import MultiLayerNet
from zdl.search.distributions import told_apart
from zdl.search.trial import Code, Say, Trial, describe, record, train


class Replicate(Trial):
    """Another training of a trial. Its record also has the answers of its network to the held-out images."""

    entry = "zdl.search.replicates:run"

    def __init__(self, number: int, point: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        super().__init__(number, point, spec)
        self.name = f"replicate-{self.key}"


def run(
    number: int, spec: Mapping[str, Any], prepared: bytes, held_out: bytes, say: Say | None = None
) -> bytes:
    """Train a trial on another split of the prepared images and return the record of this replicate."""
    split = split_again(decode_npz(prepared), spec["split"])
    network, history = train(spec, split._asdict(), say)
    finished = history.status == "finished"
    answers = answer(network, decode_npz(held_out)["x"]) if finished else None
    return record(number, spec, {**describe(history), "held_out": answers})


def splits(settings: Mapping[str, Any], prepared: str) -> list[dict[str, Any]]:
    """What determines the split of each replicate: the r-th of every trial has the same, so that trials can
    be compared in pairs. `prepared` is the digest of the images that are split."""
    rate, replicate = settings["split"]["validation_rate"], settings["replicate"]
    others = [settings[section]["seed"] for section in ("split", "search")]
    keys = ([replicate["seed"], number] for number in range(1, replicate["replicates"] + 1))
    return [
        {"of": prepared, "validation_rate": rate, "seed": told_apart(key, "split", *others)} for key in keys
    ]


def replicates(
    trial: Trial, splits: Iterable[Mapping[str, Any]], held_out: str, code: Code
) -> list[Replicate]:
    """The replicates of `trial`, one on each of `splits`; `held_out` is the digest of the held-out images,
    and `code` the fingerprint of `run`."""
    digest_of_code, libraries = code
    specs = (
        {
            **trial.spec,
            "seed": told_apart(
                [split["seed"][0], trial.number, split["seed"][1]], "replicate", trial.spec["seed"][0]
            ),
            "split": split,
            "held_out": held_out,
            "code": digest_of_code,
            "libraries": dict(libraries),
        }
        for split in splits
    )
    return [Replicate(trial.number, trial.point, spec) for spec in specs]


def answer(network: MultiLayerNet, x: NDArray[Any]) -> dict[str, str]:
    """The answers of a network to images x (n, ...), and its probability of each in whole percent: two digits
    an image, in hexadecimal. (The last bits of a product differ between processors.)"""
    with np.errstate(over="ignore", invalid="ignore"):  # weights that are finite may overflow on a new image
        shares = np.nan_to_num(softmax(network.predict(x)))
    percent = np.rint(100 * shares.max(axis=1))
    return {"taken_for": _hex(shares.argmax(axis=1)), "confidence": _hex(percent)}


def answers(text: str) -> NDArray[np.uint8]:
    """The numbers in one of the texts of `answer`."""
    return np.frombuffer(bytes.fromhex(text), np.uint8)


def _hex(values: NDArray[Any]) -> str:
    return values.astype(np.uint8).tobytes().hex()


def split_again(images: Mapping[str, NDArray[Any]], split: Mapping[str, Any]) -> preprocess.Split:
    """Another split of the prepared images, as one of `splits` describes it."""
    return preprocess.split(images["x"], images["t"], split["validation_rate"], split["seed"])
