"""Problems: what a search optimises. A problem is one module, named by `problem` in params.yaml.

It is a module of this package, or `problems/<name>.py` at the top of the repository. It must have

    HYPERPARAMETERS         the settings of a training, by name (`real`, `whole`, `choice`, `Setting`)
    load(data, files)       returns the `Rows`
    train(config, split, rng, say)
                            trains on `split.x_train` and `split.t_train`. Whatever is fitted to data, such as
                            scaling, must be fitted here. Returns the `History` of the training, and a
                            predictor: a function from rows x (n, ...) to the probability of each class
                            (n, classes). With an argument `start`, it can continue a training: `start` is the
                            history of the same training with fewer `epochs`, and has the `state` that the
                            training saved in it

and it may have

    DATA                    the settings under `data`, by name (`Setting`)
    FETCH                   the names of those that say where data come from and do not change the data
    files(data)             the paths of the files under problems/ that it reads; `load` gets their bytes by
                            these paths
    fetch(data, say)        bytes from elsewhere, for `load`, which compares them with pinned checksums
    prepare(x)              returns rows as numbers, without fitting anything
    weights(predictor)      returns the arrays to save of the best trial
    linear()                returns a linear model of scikit-learn to compare with
    SCORE                   the name of a scorer of scikit-learn, if it is not accuracy: `train` then returns
                            a `ScoreHistory`. With a scorer of regression, labels are numbers, and the
                            predictor returns a number for each row (n,)
    IMAGE                   the shape of a row as an image, such as (28, 28), if it can be shown as one
    check(settings)         yields mistakes in settings that are allowed one by one: (keys, text)
    notes(settings)         yields a line on each setting that is allowed but may not be meant
    words(settings)         returns the words of the report: see `zdl.config.words`

`config` holds the value of each setting that plays a part in the trial, drawn or fixed. Every random draw
must come from `rng`, or from a seed that is drawn from it.
"""

from zdl.config.hyperparameters import Hyperparameter, Setting, choice, real, whole
from zdl.data.rows import Rows, Split, hold_out
from zdl.nn.history import History
from zdl.nn.score_history import ScoreHistory

__all__ = [
    "History",
    "Hyperparameter",
    "Rows",
    "ScoreHistory",
    "Setting",
    "Split",
    "choice",
    "hold_out",
    "real",
    "whole",
]
