"""The hyper-parameters, each declared once: its values, the ranges that a search may give it, and its words.

The models of params.yaml, the JSON Schema, the samplers and the recommendations all read these declarations.
A new hyper-parameter is one more entry of HYPERPARAMETERS, the last one: searches go through them in order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zdl.nn.optimizers import OPTIMIZERS, hyperparameters

Text = tuple[str, str]  # in English and in Japanese


@dataclass(frozen=True)
class Hyperparameter:
    """What one value of it may be (a name, a number, or either), and how a search may draw it.

    Under which optimizers it plays a part is not said here: they name what they use (`unused`).
    """

    title: Text
    description: Text
    section: str | None = "training"  # of params.yaml, where its value is fixed; None: hidden_sizes fixes it
    names: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)  # names that mean the same as another
    number: type[int] | type[float] | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)  # of the number: ge, gt, le, lt
    # Its distributions, each with the bounds of any range. Draws are spread over these bounds, so that an
    # edited range keeps the values that it still holds. Other bounds move every value; wide ones take time.
    sampling: Mapping[str, tuple[float, float]] = field(default_factory=dict)


HYPERPARAMETERS = {
    "lr": Hyperparameter(
        title=("Learning rate", "学習率"),
        description=("The step size of every optimizer.", "どの最適化手法でも、更新の幅を決めます。"),
        number=float,
        bounds={"gt": 0},
        sampling={"log_uniform": (1e-12, 1e4), "uniform": (0.0, 10.0)},
    ),
    "weight_decay": Hyperparameter(
        title=("Weight decay", "Weight decay"),
        description=(
            "Lambda of 0.5 * lambda * sum(W**2), which the loss includes. Biases are left out.",
            "損失に加える 0.5 * λ * sum(W**2) のλです。バイアスは含みません。",
        ),
        number=float,
        bounds={"ge": 0},
        sampling={"log_uniform": (1e-16, 1e4), "uniform": (0.0, 10.0)},
    ),
    "batch_size": Hyperparameter(
        title=("Batch size", "バッチサイズ"),
        description=(
            "Images of an update, drawn with replacement. Above the training images, an epoch is one update.",
            "1回の更新に使う画像の枚数です（復元抽出）。訓練画像より多い場合、1エポックの更新は1回です。",
        ),
        number=int,
        bounds={"ge": 1, "le": 60_000},
        sampling={"int_uniform": (1, 8192)},
    ),
    "optimizer": Hyperparameter(
        title=("Optimizer", "最適化手法"),
        description=(
            "The update rule, as the book defines it. Capitals do not matter (Adam is adam).",
            "書籍の定義に従う更新則です。大文字と小文字は区別しません（Adamはadamと同じです）。",
        ),
        names=tuple(OPTIMIZERS),
    ),
    "momentum": Hyperparameter(
        title=("Momentum", "モーメンタム"),
        description=(
            "The share of the last step that momentum and nesterov keep. Other optimizers do not use it.",
            "momentumとnesterovが、直前の更新を引き継ぐ割合です。ほかの最適化手法では使いません。",
        ),
        number=float,
        bounds={"ge": 0, "lt": 1},
        sampling={"uniform": (0.0, 1.0)},
    ),
    "decay_rate": Hyperparameter(
        title=("Decay rate", "減衰率"),
        description=(
            "The share of the mean of squared gradients that rmsprop keeps. Other optimizers do not use it.",
            "rmspropが、勾配の2乗の移動平均を引き継ぐ割合です。ほかの最適化手法では使いません。",
        ),
        number=float,
        bounds={"ge": 0, "lt": 1},
        sampling={"uniform": (0.0, 1.0)},
    ),
    "beta1": Hyperparameter(
        title=("Beta1", "Beta1"),
        description=(
            "The share of the mean of gradients that adam keeps. Other optimizers do not use it.",
            "adamが、勾配の移動平均を引き継ぐ割合です。ほかの最適化手法では使いません。",
        ),
        number=float,
        bounds={"ge": 0, "lt": 1},
        sampling={"uniform": (0.0, 1.0)},
    ),
    "beta2": Hyperparameter(
        title=("Beta2", "Beta2"),
        description=(
            "The share of the mean of squared gradients that adam keeps. Other optimizers do not use it.",
            "adamが、勾配の2乗の移動平均を引き継ぐ割合です。ほかの最適化手法では使いません。",
        ),
        number=float,
        bounds={"ge": 0, "lt": 1},
        sampling={"uniform": (0.0, 1.0)},
    ),
    "activation": Hyperparameter(
        title=("Activation", "活性化関数"),
        description=("The function after each hidden layer.", "各隠れ層の後に置く関数です。"),
        section="model",
        names=("relu", "sigmoid"),
    ),
    "weight_init": Hyperparameter(
        title=("Initial weights", "重みの初期値"),
        description=(
            "Standard deviation of the initial weights. relu or he is sqrt(2/n) for n inputs, sigmoid or "
            "xavier is sqrt(1/n); or a number for all layers.",
            "重みの初期値の標準偏差です。入力がn個のとき、reluまたはheはsqrt(2/n)、sigmoidまたはxavierは"
            "sqrt(1/n)です。数値は、すべての層に使われます。",
        ),
        section="model",
        names=("relu", "he", "sigmoid", "xavier"),
        aliases={"he": "relu", "xavier": "sigmoid"},
        number=float,
        bounds={"gt": 0},
        sampling={"log_uniform": (1e-8, 1e2), "uniform": (0.0, 10.0)},
    ),
    "hidden_width": Hyperparameter(
        title=("Width of a hidden layer", "隠れ層のニューロン数"),
        description=("Neurons of every hidden layer.", "各隠れ層のニューロンの数です。"),
        section=None,
        number=int,
        bounds={"ge": 1, "le": 8192},
        sampling={"int_uniform": (1, 8192)},
    ),
    "hidden_depth": Hyperparameter(
        title=("Number of hidden layers", "隠れ層の数"),
        description=("Hidden layers of the network.", "ネットワークの隠れ層の数です。"),
        section=None,
        number=int,
        bounds={"ge": 1, "le": 64},
        sampling={"int_uniform": (1, 64)},
    ),
    "epochs": Hyperparameter(
        title=("Epochs", "エポック数"),
        description=(
            "Passes over the training images. Every epoch gives one point of the learning curves.",
            "訓練画像を通して学習する回数です。1エポックが学習曲線の1点になります。",
        ),
        number=int,
        bounds={"ge": 1, "le": 100_000},
        sampling={"int_uniform": (1, 8192)},
    ),
}

SAMPLING_BOUNDS = {name: each.sampling for name, each in HYPERPARAMETERS.items()}


def unused(*optimizers: str) -> set[str]:
    """The hyper-parameters that none of these optimizers uses, but others do: momentum, for "sgd"."""
    used = {name for optimizer in optimizers for name in hyperparameters(optimizer)}
    return {name for optimizer in OPTIMIZERS for name in hyperparameters(optimizer)} - used
