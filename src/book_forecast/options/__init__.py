"""The run-time parameters of every pipeline, with their defaults and limits.

`conf/<environment>/parameters*.yml` and `--params` give the values. On the command line a list
is written with commas or spaces, and nested names with dots:

    kedro run --params titles=9780722532935,9780241003008,levels=50,80,95
    kedro run --params "titles=9780722532935 9780241003008,tune.max_trials=20"
"""

from book_forecast.options.checking import check_options
from book_forecast.options.groups import (
    BoostingOptions,
    EvaluateOptions,
    PromoteOptions,
    RegressorOptions,
    SeedOptions,
    ShardOptions,
    TableFuture,
    TuneOptions,
)
from book_forecast.options.run import Options, has_ensembles
from book_forecast.options.values import (
    FAMILIES,
    Family,
    check_release,
    normalise_families,
    normalise_levels,
    normalise_titles,
)

__all__ = [
    "FAMILIES",
    "BoostingOptions",
    "EvaluateOptions",
    "Family",
    "Options",
    "PromoteOptions",
    "RegressorOptions",
    "SeedOptions",
    "ShardOptions",
    "TableFuture",
    "TuneOptions",
    "check_options",
    "check_release",
    "has_ensembles",
    "normalise_families",
    "normalise_levels",
    "normalise_titles",
]
