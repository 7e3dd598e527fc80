"""The models of params.yaml: each setting with its bounds and descriptions.

`make schema` writes the JSON Schema from them. The problem declares the settings of data, model and training.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from zdl.config.checks import MOST_LEARNED_TRIALS, PROPOSING
from zdl.config.problem import Problem
from zdl.config.types import Section, described, one_of, section, space

Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]  # many JSON readers round larger integers


class Split(Section):
    validation_rate: float = described(
        "Validation rate / 検証データの割合",
        "The share of the rows that scores the trials. The count is rounded down exactly.",
        "試行の評価に使うデータの割合です。端数は切り捨てます。",
        gt=0,
        lt=1,
        allow_inf_nan=False,
    )
    seed: Seed = described(
        "Seed of the split / 分割のシード",
        "Decides the shuffle that splits the rows, and nothing else.",
        "データを分ける前のシャッフルだけを決めます。",
    )


class Search(Section):
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["method"], "properties": {"method": {"enum": list(PROPOSING)}}},
            "then": {"properties": {"trials": {"maximum": MOST_LEARNED_TRIALS}}},
        }
    )

    method: Literal["random", "grid", "halton", "bayes", "tpe", "cmaes", "halving", "hyperband"] = described(
        "Method / 探索方法",
        "random draws each trial's point independently of the others. grid takes every combination of the "
        "values that the space lists or spaces evenly (points). halton fills the space more evenly than "
        "chance does. bayes fits a Gaussian process to the scores so far and tries what it expects to "
        "improve on them; tpe and cmaes learn from them as Optuna's samplers do. halving draws points as "
        "random does, trains all for min_epochs, and the best of them for more; hyperband does so in several "
        "brackets, of which the later ones stop fewer trials.",
        "randomは、各試行の点を独立に選びます。gridは、選択肢や等間隔の値（points）のすべての組み合わせを試します。"
        "haltonは、乱数よりも均等に空間を埋めます。bayesは、それまでのスコアにガウス過程を当てはめ、"
        "改善が見込まれる点を試します。tpeとcmaesは、Optunaのサンプラーです。halvingは、randomと同じ点をすべてmin_epochsだけ訓練し、上位の試行だけを続けます。"
        "hyperbandは、試行をいくつかのブラケットに分け、後のブラケットほど打ち切りを少なくします。",
    )
    trials: int = described(
        "Number of trials / 試行数",
        "More trials are appended, fewer cut off; the others stay as they are. A grid has as many trials as "
        f"points, and may not have more than this. bayes, tpe and cmaes have up to {MOST_LEARNED_TRIALS}: "
        "proposing a round after that many takes ten seconds or more.",
        "増やすと末尾に追加され、減らすと末尾から除かれます。ほかの試行は変わりません。gridの試行数は点の数で、"
        f"この値を超えられません。bayes、tpe、cmaesは{MOST_LEARNED_TRIALS}までです。",
        ge=1,
        le=1_000_000,
    )
    batch: int = described(
        "Size of a round / 1ラウンドの試行数",
        "bayes, tpe and cmaes propose this many trials at a time, from the scores of all before them; the "
        "first ones are those of the random search. With more, more can be trained at once; with fewer, "
        "trials learn from each other sooner. The other methods do not use it.",
        "bayes、tpe、cmaesが、それまでの全スコアから一度に提案する試行の数です。最初のラウンドはランダムサーチと同じです。"
        "大きいほど多くの試行を並列に訓練でき、小さいほど結果が早く次の提案に反映されます。ほかの方法では使いません。",
        ge=1,
        le=1000,
    )
    eta: int = described(
        "Halving rate / 打ち切りの比率",
        "halving and hyperband: of the trials of a rung, the best 1 / eta go on to the next one, with eta "
        "times as many epochs. The other methods do not use it.",
        "halvingとhyperbandで、各段階の上位1/etaの試行だけを、eta倍のエポック数まで続けます。ほかの方法では使いません。",
        ge=2,
        le=100,
        default=None,
    )
    min_epochs: int = described(
        "Epochs of the first rung / 最初の段階のエポック数",
        "halving and hyperband: no trial is stopped before it has so many epochs. The other methods do not "
        "use it.",
        "halvingとhyperbandで、どの試行もこのエポック数までは訓練します。ほかの方法では使いません。",
        ge=1,
        le=100_000,
        default=None,
    )
    seed: Seed = described(
        "Seed of the search / 探索のシード",
        "Decides every trial's point, weights and batches.",
        "各試行の点、重みの初期値、ミニバッチを決めます。",
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


SPACE = described(
    "Search space / 探索空間",
    "The hyper-parameters that the trials vary, each with its distribution; the others are fixed in the "
    "sections above. A range is {distribution, low, high}, with points for a grid: log_uniform is uniform in "
    "the logarithm, uniform in the value, int_uniform in whole numbers, both ends included. A choice is "
    "{distribution, options}.",
    "試行ごとに変えるハイパーパラメータと、その分布です。ほかは上の各セクションの値に固定されます。範囲は"
    "{distribution, low, high}（グリッドサーチではpointsも）と書きます。log_uniformは対数、uniformは値、"
    "int_uniformは両端を含む整数で一様です。選択肢は{distribution, options}と書きます。",
)
SECTIONS = {
    "problem": (
        "Problem / 問題",
        "What is searched: a module of zdl.problems, or of problems/ in this repository.",
        "探索の対象です。zdl.problemsのモジュール、またはこのリポジトリのproblems/のモジュールの名前です。",
    ),
    "data": ("Data / データ", "Which data are used.", "使うデータを決めます。"),
    "split": (
        "Split / 分割",
        "Which rows train a model, and which score it.",
        "どのデータで訓練し、どのデータで評価するかを決めます。",
    ),
    "model": (
        "Model / モデル",
        "What every trial trains, unless search.space varies it.",
        "各試行が訓練するモデルです（search.spaceで変えるものを除きます）。",
    ),
    "training": (
        "Training / 訓練",
        "How every trial is trained. A value that search.space also names is drawn there instead.",
        "各試行の訓練方法です。search.spaceにもある値は、そちらで選ばれます。",
    ),
    "search": (
        "Search / 探索",
        "How the trials' hyper-parameters are drawn.",
        "試行のハイパーパラメータの選び方です。",
    ),
    "replicate": (
        "Replicates / 反復",
        "The best trials are trained again, with other random numbers and on other splits of the "
        "same rows. Each of those models sees the held-out rows once; the search itself never does.",
        "上位の試行を、別の乱数・別の分割で再訓練し、取り分けたデータで1回だけ評価します。"
        "探索自体がこれらのデータを見ることはありません。",
    ),
    "report": (
        "Report / レポート",
        "What the committed report shows.",
        "コミットされるレポートに載せるものを決めます。",
    ),
}


@lru_cache(maxsize=1)
def settings_of(problem: Problem) -> Any:
    """The model of all settings for a problem, by section. There are no hidden defaults."""
    declarations = problem.hyperparameters
    own = {
        name: section(name, each)
        for name in ("model", "training")
        if (each := {key: setting for key, setting in declarations.items() if setting.section == name})
    }
    models = {
        "problem": one_of(problem.name),
        "data": section("data", problem.data),
        "split": Split,
        **own,
        "search": create_model("Search", __base__=Search, space=(space(declarations), SPACE)),
        "replicate": Replicate,
        "report": Report,
    }
    fields = {name: (model, described(*SECTIONS[name])) for name, model in models.items()}
    return create_model("Settings", __base__=Section, **fields)  # type: ignore[call-overload]
