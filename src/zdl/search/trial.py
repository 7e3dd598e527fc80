"""One trial: what determines it, its training, and its record.

A trial's digest covers its seeds, its hyper-parameters, the split it trains on, and the fingerprint of `run`.
So a record that exists under that digest is right, whoever made it and whenever. A process starts for every
few trials, so this module imports little.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.artifacts.encoding import decode_npz, digest, sealed_json
from zdl.artifacts.schemas import CLASSES
from zdl.nn.fast import FastTrainer
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import make
from zdl.nn.trainer import History

Say = Callable[[str], object]
Code = tuple[str, Mapping[str, str]]  # a fingerprint: the digest of code, and versions of libraries


class Trial:
    """A trial of the plan: `point` is what was chosen for it, `spec` all that determines its record.

    Its `key` follows from its number and spec. So does its `name`, unless that was given before the point was
    known (`zdl.search.rounds`).
    """

    entry = "zdl.search.trial:run"  # the function that makes its record

    def __init__(
        self, number: int, point: Mapping[str, Any], spec: Mapping[str, Any], name: str | None = None
    ) -> None:
        self.number, self.point, self.spec = number, point, spec
        self.name = name or self.key

    @cached_property
    def digest(self) -> str:
        return digest(self.spec)

    @property
    def key(self) -> str:
        return f"{self.number:04d}-{self.digest[:12]}"


def trial_spec(seed: list[int], config: Mapping[str, Any], split: str, code: Code) -> dict[str, Any]:
    """All that determines a trial's record: `seed` is the key of its weights and batches, `config` are its
    hyper-parameters, `split` is the digest of the images it trains on, `code` the fingerprint of `run`."""
    digest_of_code, libraries = code
    return {
        "seed": seed,
        "config": config,
        "split": split,
        "code": digest_of_code,
        "libraries": dict(libraries),
    }


def run(number: int, spec: Mapping[str, Any], split: bytes, say: Say | None = None) -> bytes:
    """Train a trial and return its record; `say` gets the lines that the book prints."""
    _, history = train(spec, decode_npz(split), say)
    return record(number, spec, describe(history))


def train(
    spec: Mapping[str, Any], split: Mapping[str, NDArray[Any]], say: Say | None = None
) -> tuple[MultiLayerNet, History]:
    """The network of a trial after its training on `split`, and how the training went."""
    config = dict(spec["config"])
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(spec["seed"])))
    network = MultiLayerNet(
        split["x_train"][0].size,
        config.pop("hidden_sizes"),
        CLASSES,
        **{name: config.pop(name) for name in ("activation", "weight_init", "weight_decay", "dtype")},
        rng=rng,
    )
    schedule = {name: config.pop(name) for name in ("epochs", "batch_size", "evaluate_samples")}
    optimizer = make(config.pop("optimizer"), **config)
    images = (split[name] for name in ("x_train", "t_train", "x_val", "t_val"))
    return network, FastTrainer(network, *images, **schedule, optimizer=optimizer, rng=rng, say=say).train()


def record(number: int, spec: Mapping[str, Any], outcome: Mapping[str, Any]) -> bytes:
    """The record of a trial, as a sealed file."""
    contents = {"trial": number, "spec": spec, "result": digest(outcome), "outcome": outcome}
    return sealed_json({"digest": digest(spec), **contents})


def describe(history: History) -> dict[str, Any]:
    """The outcome of a trial in numbers that are the same on every machine: counts of images, and losses to 4
    significant digits. (The last bits of a matrix product differ between processors.) Hits are one bit a
    validation image, in hexadecimal: at the last point of the curve, and after the last update.
    """
    curve = {
        "train_correct": history.train_correct,
        "train_size": history.train_size,
        "val_correct": history.val_correct,
        "val_size": history.val_size,
        "val_hits": np.packbits(history.val_hits).tobytes().hex(),
    }
    final = None
    if history.final_hits is not None:
        final = {
            "val_correct": int(np.count_nonzero(history.final_hits)),
            "val_size": len(history.final_hits),
            "val_hits": np.packbits(history.final_hits).tobytes().hex(),
        }
    losses = [float(f"{loss:.4g}") for loss in history.loss]
    return {"status": history.status, "curve": curve, "final": final, "loss": losses}
