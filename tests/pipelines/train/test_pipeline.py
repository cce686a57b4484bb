"""The same nodes fit the candidate twice and the champion once, each with options of its own."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline.node import Node
from kedro.runner import SequentialRunner

from book_forecast.execution.parts import Part
from book_forecast.forecasters.calibration import BANDS, ERROR_PROBABILITIES, Calibration
from book_forecast.forecasters.global_models.forecasts import GlobalModels
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import BoostingOptions, ModelOptions
from book_forecast.pipelines.train.fits import (
    COMPARED,
    COMPARED_ANEW,
    RELEASED,
    RELEASED_ANEW,
    SCORED,
    SCORED_ANEW,
)
from book_forecast.pipelines.train.pipeline import create_fits, create_pipeline
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import MODEL_HORIZON
from tests.histories import (
    ALONE,
    MODELS,
    checkpoints_in,
    fit,
    release_of,
    specifications_of,
    volumes,
    weeks_frame,
)

DEPTH = np.where(np.arange(120) % 7 == 0, 0.3, 0.0)
ISBNS = [f"97800000000{n:02}" for n in range(8)]
WEEKS = weeks_frame(
    {isbn: np.round(volumes(n, 120) * np.exp(3.0 * DEPTH)) for n, isbn in enumerate(ISBNS)}
).assign(promotion=np.tile(DEPTH, len(ISBNS)), asp=8.99, rrp=9.99)
TITLES = pd.DataFrame({"isbn": ISBNS, "product_class": "F", "title": "x"}).astype("str")
LAUNCHES = pd.DataFrame(columns=["isbn", "publication_date", "comparable", "print_run"])
PURPOSES = {"training": SCORED, "release": RELEASED, "champion": COMPARED}
CALIBRATION = Calibration(
    np.tile(np.linspace(-1.0, 1.0, len(ERROR_PROBABILITIES)), (len(BANDS), 1)),
    growth=0.3,
    longest=32,
).to_state()
BOOSTED = ModelOptions(
    families=["boosting", "naive"],
    calendar=False,
    seed=1,
    boosting=BoostingOptions(fits=1, rows=4000, trees=30),
)


def nodes_of(purpose: str) -> list[Node]:
    """The nodes of a sub-pipeline, in order."""
    return create_fits().only_nodes_with_namespaces([f"train.{purpose}"]).nodes


def test_the_three_fits_have_the_same_nodes():
    found = {}
    for purpose, fits in PURPOSES.items():
        nodes = nodes_of(purpose)
        found[purpose] = [node.name.removeprefix(f"train.{purpose}.") for node in nodes]
        for node in nodes:
            assert node.func == getattr(fits, node.func.__name__)
    names = ["fit_global_model", "fit_titles", "specify_launches"]
    assert {purpose: sorted(nodes) for purpose, nodes in found.items()} == dict.fromkeys(
        PURPOSES, names
    )


def test_their_inputs_differ_by_weeks_specifications_and_options_alone():
    own = {
        "training": ["training_weeks", "specifications", "calibration", "params:models"],
        "release": ["model_input", "specifications", "calibration", "params:models"],
        "champion": [
            *("training_weeks", "champion_specifications", "champion_calibration"),
            "champion_options",
        ],
    }
    for purpose, (weeks, specifications, *others) in own.items():
        nodes = {node.func.__name__: node for node in nodes_of(purpose)}
        made = [f"{purpose}_global_forecasts", f"{purpose}_title_specifications"]
        shared = ["covariates", "params:execution", "checkpoints"]
        assert sorted(nodes["fit_titles"].inputs) == sorted([weeks, *others, *made, *shared])
        assert nodes["fit_titles"].outputs == [f"{purpose}_models"]
        assert nodes["specify_launches"].inputs == [
            *(weeks, "launch_weeks", "titles", "launches", specifications)
        ]


def test_the_gate_runs_after_everything_else():
    written = {"training_models", "release_models", "candidate"}
    [gate] = [node for node in create_pipeline().nodes if node.name.endswith("require_success")]
    assert written <= set(gate.inputs)


@pytest.mark.parametrize(
    ("purpose", "planned"), [("release", True), ("training", False), ("champion", False)]
)
def test_the_plan_reaches_the_release_alone(purpose, planned):
    plan = pd.DataFrame({"isbn": ISBNS, "name": PROMOTION_PLAN, "value": 0.3})
    plan["week"] = WEEKS["week"].max() + pd.Timedelta(weeks=2)
    chosen = specifications_of(ISBNS).assign(weights='{"boosting": 1.0}', season=4, spread=0.2)
    fit_global_model, *_ = nodes_of(purpose)
    states = []
    for covariates in (plan, None):
        with checkpoints_in(None) as checkpoints:
            ahead = fit_global_model.func(WEEKS, TITLES, covariates, BOOSTED, checkpoints)
        fitted = fit(
            *(WEEKS, chosen, PURPOSES[purpose]),
            models=BOOSTED,
            calibration=CALIBRATION,
            global_forecasts=ahead,
            covariates=covariates,
        ).frame
        assert set(fitted["model"]) == {"ensemble"}
        states.append(fitted["state"].tolist())
    assert (states[0] != states[1]) == planned


def test_a_champion_with_the_candidates_options_shares_its_global_models(tmp_path):
    with checkpoints_in(tmp_path) as checkpoints:
        mine, theirs, released = (
            fits.fit_global_model(WEEKS, TITLES, None, BOOSTED, checkpoints)
            for fits in (SCORED, COMPARED, RELEASED)
        )
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    assert len(released) == len(mine)
    assert len(list(tmp_path.glob("fit_global_model/*.parquet"))) == 2


class HeldDataset(MemoryDataset):
    """Holds its data until the end, of a part its rows."""

    def save(self, data):
        super().save(data.frame if isinstance(data, Part) else data)

    def release(self):
        pass


@pytest.fixture(scope="module")
def run() -> Iterator[DataCatalog]:
    """The pipeline without its gate: a candidate of SARIMA alone, a champion with ensembles."""
    theirs = ModelOptions.model_validate(
        {**BOOSTED.model_dump(), "families": ["theta", "boosting", "naive"]}
    )
    chosen = specifications_of(ISBNS[:6]).assign(
        weights='{"boosting": 0.6, "theta": 0.4}', season=4, spread=0.2, n_folds=2
    )
    with checkpoints_in(None) as checkpoints:
        ahead = SCORED.fit_global_model(WEEKS, TITLES, None, theirs, checkpoints)
        champion = release_of(
            WEEKS,
            chosen,
            TITLES,
            models=theirs,
            calibration=CALIBRATION,
            global_forecasts=ahead,
        )
        known = WEEKS[WEEKS["week"] <= WEEKS["week"].max() - pd.Timedelta(weeks=6)]
        catalog = DataCatalog(
            {
                name: MemoryDataset(value)
                for name, value in {
                    "champion": champion,
                    "training_weeks": known,
                    "model_input": WEEKS,
                    "titles": TITLES,
                    "launches": LAUNCHES,
                    "launch_weeks": WEEKS.iloc[:0],
                    "covariates": None,
                    "ensemble_backtest": WEEKS.iloc[:0].assign(
                        cutoff=WEEKS["week"].iloc[:0], mean=0.0
                    ),
                    "specifications": specifications_of(ISBNS),
                    "calibration": {},
                    "checkpoints": checkpoints,
                    "params:models": MODELS,
                    "params:backtest": BacktestOptions(),
                    "params:execution": ALONE,
                }.items()
            }
        )
        pipeline = create_fits()
        for name in pipeline.all_outputs():
            catalog[name] = HeldDataset()
        SequentialRunner().run(pipeline, catalog)
        yield catalog


def test_the_champion_is_fitted_with_its_own_families_and_weights(run):
    champion = run.load("champion_models").set_index("isbn")
    assert champion.index.tolist() == ISBNS[:6]
    assert (champion["model"] == "ensemble").all()
    assert (champion["specification"] == "0.6 boosting + 0.4 theta").all()
    assert champion["fallback_reason"].isna().all()
    # The candidate's families are SARIMA alone; its titles are all.
    training = run.load("training_models").set_index("isbn")
    assert training.index.tolist() == ISBNS
    assert (training["model"] == "sarima").all()


def test_the_champion_is_fitted_on_the_candidates_training_weeks(run):
    cutoff = WEEKS["week"].max() - pd.Timedelta(weeks=6)
    assert set(run.load("champion_models")["cutoff"]) == {cutoff}
    assert set(run.load("training_models")["cutoff"]) == {cutoff}
    assert set(run.load("release_models")["cutoff"]) == {WEEKS["week"].max()}


def test_the_champions_global_model_is_fitted_though_the_candidate_has_none(run):
    assert run.load("training_global_forecasts").empty
    ahead = run.load("champion_global_forecasts")
    assert set(ahead["isbn"]) == set(ISBNS)
    assert set(ahead["cutoff"]) == {WEEKS["week"].max() - pd.Timedelta(weeks=6)}


def test_the_candidates_models_do_not_depend_on_the_champion(run):
    known = WEEKS[WEEKS["week"] <= WEEKS["week"].max() - pd.Timedelta(weeks=6)]
    expected = fit(known, specifications_of(ISBNS)).frame
    pd.testing.assert_frame_equal(run.load("training_models"), expected, check_exact=True)


@pytest.mark.parametrize("fits", [SCORED_ANEW, COMPARED_ANEW, RELEASED_ANEW])
def test_a_plan_has_a_small_fit_of_the_boosting_unless_it_is_whole(fits, tmp_path):
    """The forecasts of its titles are those of one fit to half of the rows."""
    models = BOOSTED.model_copy(update={"boosting": BoostingOptions(fits=2, rows=400, trees=5)})
    plan = pd.DataFrame({"isbn": ISBNS, "decision": "keep", "is_sold": True, "can_tune": True})
    plan.loc[:1, "decision"] = "retune"
    small = models.boosting.model_copy(update={"fits": 1, "rows": 200})
    for retraining_plan, boosting in (
        (plan, small),
        (plan.assign(decision="retune"), models.boosting),
    ):
        with checkpoints_in(tmp_path) as folder:
            found = fits.fit_global_model(WEEKS, TITLES, None, models, folder, retraining_plan)
        wanted = retraining_plan.loc[retraining_plan["decision"] == "retune", "isbn"].tolist()
        expected = GlobalModels(TITLES, models.model_copy(update={"boosting": boosting})).forecast(
            WEEKS, WEEKS["week"].max(), MODEL_HORIZON, is_now=fits.is_now, wanted=wanted
        )
        pd.testing.assert_frame_equal(found, expected)
