import datetime as dt
import inspect
from functools import reduce
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from kedro.framework.project import configure_project
from kedro.pipeline.node import Node
from pydantic import BaseModel, ValidationError

from book_forecast import settings
from book_forecast.options.checking import check_options
from book_forecast.options.run import Options
from book_forecast.options.values import normalise_levels, normalise_titles
from book_forecast.pipeline_registry import register_pipelines
from book_forecast.storage.environment import ENVIRONMENTS, EnvironmentConfigLoader
from book_forecast.storage.errors import UserError

ALCHEMIST = "9780722532935"
CATERPILLAR = "9780241003008"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("top", "top"),
        (["all"], "all"),
        (ALCHEMIST, [ALCHEMIST]),
        (int(ALCHEMIST), [ALCHEMIST]),
        ("978-0-7225-3293-5", [ALCHEMIST]),
        ("978 0 7225 3293 5", [ALCHEMIST]),
        ("0722532938", [ALCHEMIST]),
        (f"{ALCHEMIST} {CATERPILLAR}", [ALCHEMIST, CATERPILLAR]),
        (f"{ALCHEMIST},{CATERPILLAR}", [ALCHEMIST, CATERPILLAR]),
        (f"[{ALCHEMIST}; {CATERPILLAR}]", [ALCHEMIST, CATERPILLAR]),
        ([int(CATERPILLAR), ALCHEMIST], [CATERPILLAR, ALCHEMIST]),
        ([ALCHEMIST, "0722532938"], [ALCHEMIST]),
    ],
)
def test_titles_are_read_in_every_spelling(value, expected):
    assert normalise_titles(value) == expected


@pytest.mark.parametrize("value", ["", [], None, "best", "9780722532936", ["top", ALCHEMIST], 1.5])
def test_what_is_no_choice_of_titles_is_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        normalise_titles(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (80, [80]),
        ("80,95", [80, 95]),
        ("[95 80]", [80, 95]),
        ([95, 80.0, 97.5, 80], [80, 95, 97.5]),
    ],
)
def test_levels_are_sorted_and_whole_numbers_stay_whole(value, expected):
    levels = normalise_levels(value)
    assert [str(level) for level in levels] == [str(level) for level in expected]


@pytest.mark.parametrize("value", [0, 100, -5, "95,high", [], "", None, float("nan")])
def test_levels_outside_0_to_100_are_refused(value):
    with pytest.raises(ValueError, match=r".+"):
        normalise_levels(value)


def test_dates_are_read_from_text():
    values = {"start_date": "2015-01-03", "cutoff_date": dt.date(2020, 1, 4)}
    selection = check_options(values).selection
    assert selection.start_date == dt.date(2015, 1, 3)
    assert selection.cutoff_date == dt.date(2020, 1, 4)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-11,2024-05-04", ["2024-05-04", "2024-05-11"]),
        ("2024-05-04", ["2024-05-04"]),
        ([dt.date(2024, 5, 4), "2024-05-04"], ["2024-05-04"]),
        ([], []),
        ("[]", []),
    ],
)
def test_weeks_are_read_from_text_and_lists(value, expected):
    accepted = check_options({"accepted_weeks": value}).monitor.accepted_weeks
    assert [day.isoformat() for day in accepted] == expected


def test_a_week_that_ends_on_no_saturday_is_refused_with_its_end():
    with pytest.raises(UserError, match=r"2024-05-05 is a Sunday, .* that to 2024-05-11"):
        check_options({"monitor": {"accepted_weeks": ["2024-05-05"]}})
    with pytest.raises(UserError, match="'last' is no date"):
        check_options({"accepted_weeks": "last"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forecast.horizon", 0),
        ("forecast.horizon", 105),
        ("forecast.horizon", "many"),
        ("backtest.split_size", 0),
        ("selection.max_titles", 0),
        ("execution.n_jobs", -1),
        ("models.seed", -1),
        ("ingest.max_rejected_share", 1.5),
        ("execution.min_success_rate", -0.1),
        ("selection.missing_weeks", "guess"),
        ("selection.start_date", "soon"),
        ("monitor.accepted_weeks", "2024-05-03"),
        ("monitor.judged_weeks", 0),
        ("data_root", ""),
    ],
)
def test_a_refusal_names_the_option_with_its_group_and_its_value(name, value):
    with pytest.raises(UserError) as refusal:
        check_options({name.rpartition(".")[2]: value})
    assert f"{name} is {value!r}: " in str(refusal.value)


def test_all_refusals_come_at_once():
    with pytest.raises(UserError, match=r"horizon is 0(?s:.)*levels is '120'"):
        check_options({"levels": "120", "horizon": 0})


# What configuration and command lines named before parameters had groups, with its place today.
FLAT_NAMES = {
    "titles": ("selection.titles", [CATERPILLAR]),
    "max_titles": ("selection.max_titles", 7),
    "min_weeks": ("selection.min_weeks", 60),
    "start_date": ("selection.start_date", dt.date(2015, 1, 3)),
    "cutoff_date": ("selection.cutoff_date", dt.date(2020, 1, 4)),
    "missing_weeks": ("selection.missing_weeks", "zero"),
    "max_rejected_share": ("ingest.max_rejected_share", 0.1),
    "split_size": ("backtest.split_size", 13),
    "tune.folds": ("backtest.folds", 2),
    "tune.step": ("backtest.step", 13),
    "tune.min_train": ("backtest.min_train", 60),
    "evaluate.folds": ("backtest.folds", 2),
    "evaluate.step": ("backtest.step", 13),
    "evaluate.min_train": ("backtest.min_train", 60),
    "horizon": ("forecast.horizon", 13),
    "levels": ("forecast.levels", [50]),
    "n_jobs": ("execution.n_jobs", 1),
    "shard.index": ("execution.shard.index", 2),
    "shard.count": ("execution.shard.count", 3),
    "min_success_rate": ("execution.min_success_rate", 0.5),
    "max_child_runs": ("reporting.max_child_runs", 3),
    "max_title_plots": ("reporting.max_title_plots", 3),
    "families": ("models.families", ["sarima", "ets"]),
    "calendar": ("models.calendar", False),
    "alive_weeks": ("models.alive_weeks", 10),
    "seed": ("models.seed", 1),
    "regressors.promotions_known": ("models.regressors.promotions_known", True),
    "regressors.future": ("models.regressors.future", "zero"),
    "regressors.futures": ("models.regressors.futures", {"cpi": "known"}),
    "tune.season": ("models.tune.season", 26),
    "tune.p.highest": ("models.tune.p.highest", 1),
    "tune.max_trials": ("models.tune.max_trials", 5),
    "boosting.trees": ("models.boosting.trees", 10),
}
SEVERAL_SHARDS = {"execution": {"shard": {"count": 5}}}


def nested(name: str, value: Any) -> dict[str, Any]:
    """The value under its dotted name, as `--params` gives it."""
    for part in reversed(name.split(".")):
        value = {part: value}
    return dict(value)


def value_of(options: Options, name: str) -> Any:
    return reduce(getattr, name.split("."), options)


@pytest.mark.parametrize("flat", FLAT_NAMES)
def test_every_name_without_its_group_is_moved_into_it(flat):
    name, value = FLAT_NAMES[flat]
    options = check_options(nested(flat, value) | SEVERAL_SHARDS)
    assert value_of(options, name) == value
    group = name.split(".")[0]
    others = check_options(SEVERAL_SHARDS).model_dump(exclude={group})
    assert options.model_dump(exclude={group}) == others


@pytest.mark.parametrize("flat", FLAT_NAMES)
def test_a_name_without_its_group_wins_over_the_group_and_leaves_the_rest_of_it(
    project_path: Path, flat: str
):
    name, value = FLAT_NAMES[flat]
    configured = EnvironmentConfigLoader(
        str(project_path / "conf"), "testing", {"data_root": "d"}, **settings.CONFIG_LOADER_ARGS
    )["parameters"]
    configured["execution"]["shard"] = {"index": 1, "count": 5}
    before = check_options(configured)
    after = check_options(configured | nested(flat, value))
    assert value_of(before, name) != value
    assert value_of(after, name) == value
    changed = [leaf for leaf in leaves(Options) if value_of(before, leaf) != value_of(after, leaf)]
    assert changed == [name]


def leaves(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The dotted names of all parameters."""
    return [
        leaf
        for name, field in model.model_fields.items()
        for leaf in (
            leaves(field.annotation, f"{prefix}{name}.")
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
            else [prefix + name]
        )
    ]


def test_no_two_groups_have_a_parameter_of_the_same_name():
    names = [
        name
        for field in Options.model_fields.values()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for name in field.annotation.model_fields
    ]
    assert len(names) == len({*names, *Options.model_fields}) - len(Options.model_fields)


@pytest.mark.parametrize(
    ("values", "nearest"),
    [
        ({"horizn": 3}, "forecast.horizon"),
        ({"forecast": {"horizn": 3}}, "forecast.horizon"),
        ({"evaluate": {"fold": 3}}, "backtest.folds"),
        ({"tune": {"fold": 3}}, "backtest.folds"),
        ({"shrad": {"index": 1}}, "execution.shard"),
        ({"shard": {"indx": 1}}, "execution.shard.index"),
        ({"index": 1}, "execution.shard.index"),
        ({"shard": {"seed": 1}}, "models.seed"),
        ({"selektion": {"titles": "all"}}, "selection"),
    ],
)
def test_an_unknown_name_is_refused_naming_the_nearest_known_one(values, nearest):
    with pytest.raises(UserError, match=f"did you mean {nearest}\\?"):
        check_options(values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"families": "boostin"},
            "models.families is 'boostin': boostin is no family: did you mean boosting? ",
        ),
        (
            {"sums": "4,105"},
            "forecast.sums is '4,105': a release has no sum of 105 weeks; give 1 to 104, as in ",
        ),
    ],
)
def test_a_refused_value_is_named_in_one_sentence(values, sentence):
    with pytest.raises(UserError) as refusal:
        check_options(values)
    assert str(refusal.value).startswith(sentence)
    assert "?." not in str(refusal.value)
    assert ".." not in str(refusal.value)


def test_an_unknown_name_near_no_other_is_refused_with_the_names_beside_it():
    known = r"execution\.shard\.index, execution\.shard\.count"
    with pytest.raises(UserError, match=rf"no parameter execution\.shard\.zzz: known are {known}"):
        check_options({"shard": {"zzz": 1}})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"shard": {"index": 3, "count": 2}}, "execution.shard: index 3 is beyond count 2"),
        ({"start_date": "2020-01-04", "cutoff_date": "2015-01-03"}, "not before cutoff_date"),
    ],
)
def test_values_that_contradict_each_other_are_refused(values, reason):
    with pytest.raises(UserError, match=reason):
        check_options(values)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"future": "planned"}, "models.regressors.future is 'planned'"),
        ({"futures": {"cpi": "guess"}}, "models.regressors.futures.cpi is 'guess'"),
        ({"promotion_known": True}, "did you mean models.regressors.promotions_known?"),
    ],
)
def test_futures_of_regressors_are_one_of_four(given, reason):
    with pytest.raises(UserError) as refusal:
        check_options({"regressors": given})
    assert reason in str(refusal.value)


def test_a_regressor_without_a_future_of_its_own_has_that_of_all():
    options = check_options({"regressors": {"future": "zero", "futures": {"cpi": "known"}}})
    assert options.models.regressors.future_of("cpi") == "known"
    assert options.models.regressors.future_of("ads") == "zero"


def test_options_do_not_change():
    options = Options()
    with pytest.raises(ValidationError, match="frozen"):
        options.forecast = options.forecast  # type: ignore[misc]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_option_has_a_default_in_configuration(project_path: Path, env: str):
    loader = EnvironmentConfigLoader(
        str(project_path / "conf"), env, {"data_root": "d"}, **settings.CONFIG_LOADER_ARGS
    )
    values = loader["parameters"]

    def missing(model: dict[str, Any], given: dict[str, Any], prefix: str = "") -> list[str]:
        names = []
        for name, value in model.items():
            if isinstance(value, dict):
                names += missing(value, given.get(name, {}), f"{prefix}{name}.")
            elif name not in given:
                names.append(prefix + name)
        return names

    assert missing(check_options(values).model_dump(), values) == []


def test_every_node_names_the_type_of_the_options_it_takes():
    # Kedro makes objects of what the types of a node's parameters say; others stay plain mappings.
    groups = {
        f"params:{name}": field.annotation
        for name, field in Options.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    configure_project("book_forecast")
    nodes = {node.name: node for line in register_pipelines().values() for node in line.nodes}
    taken = 0
    for node in nodes.values():
        given = inspect.signature(node.func).bind(*_by_place(node), **_by_name(node)).arguments
        hints = get_type_hints(node.func)
        for name, value in given.items():
            if value in groups:
                taken += 1
                assert groups[value] in (hints[name], *get_args(hints[name])), (node.name, name)
    assert taken > len(groups)


def _by_place(node: Node) -> list[str]:
    inputs = node._inputs
    return [] if isinstance(inputs, dict) else [inputs] if isinstance(inputs, str) else inputs or []


def _by_name(node: Node) -> dict[str, str]:
    return node._inputs if isinstance(node._inputs, dict) else {}
