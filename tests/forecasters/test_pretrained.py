"""The optional family of pretrained models: weights from a folder, and models without PyTorch.

The weights are random and tiny: the tests show that the family works, not how well it forecasts.
"""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import norm

from book_forecast.forecasters.families import Recipe, fit_families
from book_forecast.forecasters.pretrained import (
    Pretrained,
    check_weights,
    digest_weights,
    weights_of,
)
from book_forecast.forecasters.restoring import restore
from book_forecast.options.models import ModelOptions, PretrainedOptions
from book_forecast.series.history import MODEL_HORIZON
from book_forecast.storage.errors import UserError
from tests.histories import history, volumes

HAS_EXTRA = importlib.util.find_spec("chronos") is not None
extra = pytest.mark.skipif(
    not HAS_EXTRA, reason="needs PyTorch: pip install '.[pretrained]', gigabytes, not in CI"
)
QUANTILES = np.linspace([2.0, 8.0, 20.0], [1.0, 5.0, 30.0], MODEL_HORIZON)


TINY = {
    "context_length": 64,
    "use_reg_token": True,
    "input_patch_size": 4,
    "input_patch_stride": 4,
}


def bolt(folder):
    from chronos.chronos_bolt import ChronosBoltModelForForecasting
    from transformers import T5Config, set_seed

    set_seed(0)
    config = T5Config(
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        vocab_size=2,
        is_encoder_decoder=True,
        pad_token_id=0,
        decoder_start_token_id=0,
        dense_act_fn="relu",
        feed_forward_proj="relu",
    )
    config.chronos_pipeline_class = "ChronosBoltPipeline"
    config.architectures = ["ChronosBoltModelForForecasting"]
    quantiles = [q / 10 for q in range(1, 10)]
    config.chronos_config = TINY | {"prediction_length": 16, "quantiles": quantiles}
    ChronosBoltModelForForecasting(config).save_pretrained(folder)


def chronos_2(folder):
    from chronos.chronos2 import Chronos2Model
    from chronos.chronos2.config import Chronos2CoreConfig
    from transformers import set_seed

    set_seed(0)
    config = Chronos2CoreConfig(
        d_model=16,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=2,
        chronos_pipeline_class="Chronos2Pipeline",
        chronos_config=TINY
        | {
            "output_patch_size": 4,
            "max_output_patches": 16,
            "quantiles": [0.01, *(q / 20 for q in range(1, 20)), 0.99],
        },
    )
    Chronos2Model(config).save_pretrained(folder)


@pytest.fixture(scope="module", params=[bolt, chronos_2])
def folder(request, tmp_path_factory):
    where = tmp_path_factory.mktemp(request.param.__name__)
    request.param(where)
    return str(where)


def fitted(folder, copies, context=512):
    return Pretrained.from_weights(
        history(copies), PretrainedOptions(folder=folder, context=context)
    )


def test_it_is_no_family_by_default():
    assert "pretrained" not in ModelOptions().families
    assert weights_of(ModelOptions()) is None


def test_it_needs_a_folder_of_weights():
    with pytest.raises(ValidationError, match=r"name their folder in pretrained\.folder"):
        ModelOptions(families=["naive", "pretrained"])
    options = ModelOptions(families=["naive", "pretrained"], pretrained={"folder": "weights"})
    assert options.families == ["naive", "pretrained"]


def test_its_points_are_the_medians_and_its_deviation_that_of_the_first_week():
    found = Pretrained.from_quantiles(history(volumes(1)), QUANTILES).forecast(4, (80,))
    assert found.mean == pytest.approx(QUANTILES[:4, 1])
    low, high = np.log1p(found.lower[80]), np.log1p(found.upper[80])
    wide = np.log1p(QUANTILES[0, 2]) - np.log1p(QUANTILES[0, 0])
    assert (high - low)[0] == pytest.approx(wide)
    assert np.log1p(found.mean[0]) - low[0] == pytest.approx(wide / 2)
    assert norm.ppf(0.9) > 0


def test_quantiles_that_are_not_finite_are_a_reason_to_fail():
    with pytest.raises(ValueError, match="no finite forecast"):
        Pretrained.from_quantiles(history(volumes(1)), np.full((MODEL_HORIZON, 3), np.nan))


@pytest.mark.skipif(HAS_EXTRA, reason="the extra is installed")
def test_without_the_extra_the_message_names_it(tmp_path):
    with pytest.raises(UserError, match=r"pip install '\.\[pretrained\]'"):
        check_weights(str(tmp_path))


@extra
def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has no config\.json and \*\.safetensors"):
        check_weights(str(tmp_path))


@extra
def test_weights_that_run_code_when_they_are_read_are_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UserError, match=r"has no config\.json and \*\.safetensors"):
        check_weights(str(tmp_path))


@extra
@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"model_type": "t5"})])
def test_another_model_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="of another model"):
        check_weights(str(tmp_path))


@extra
@pytest.mark.parametrize(
    "copies",
    [
        volumes(1),
        np.where(np.arange(90) // 15 == 4, np.nan, volumes(7)),
        1e7 * volumes(4),
        np.zeros(60),
        volumes(2, n=5),
    ],
    ids=["usual", "a lockdown", "bestseller", "no sale", "five weeks"],
)
def test_forecasts_are_finite_possible_and_repeat(folder, copies):
    first, again = (fitted(folder, copies).forecast(104, (80, 95)).columns() for _ in range(2))
    for name, values in first.items():
        assert np.isfinite(values).all(), name
        assert (values >= 0).all()
        assert values == pytest.approx(again[name])


@extra
def test_it_sees_the_latest_weeks_alone(folder):
    copies = volumes(1)
    changed = copies.copy()
    changed[:30] += 7.0
    one, two = (fitted(folder, c, context=40).points for c in (copies, changed))
    assert one == pytest.approx(two)
    whole = fitted(folder, changed).points
    assert whole != pytest.approx(one)


@extra
def test_it_is_fitted_beside_the_others_and_refuses_short_histories(folder):
    recipe = Recipe(pretrained=PretrainedOptions(folder=folder))
    found = fit_families(history(volumes(1)), recipe, ["naive", "pretrained"])
    assert set(found.models) == {"naive", "pretrained"}
    short = fit_families(history(np.array([1.0, 2.0])), recipe, ["naive", "pretrained"])
    assert "needs at least 4" in short.failures["pretrained"]


@extra
def test_other_weights_have_another_digest(folder, tmp_path):
    bolt(tmp_path)
    (tmp_path / "model.safetensors").open("ab").write(b" ")
    assert digest_weights(folder) != digest_weights(str(tmp_path))


def test_a_stored_model_forecasts_without_pytorch(tmp_path):
    model = Pretrained.from_quantiles(history(volumes(1)), QUANTILES)
    state = tmp_path / "state.json"
    state.write_text(json.dumps(model.to_state()))
    code = (
        "import json, sys\n"
        "from book_forecast.forecasters.restoring import restore\n"
        "model = restore('pretrained', json.load(open(sys.argv[1])))\n"
        "print(model.forecast(3, (80,)).mean.tolist())\n"
        "assert not {'torch', 'chronos', 'transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(state)], capture_output=True, text=True, check=True
    )
    expected = restore("pretrained", model.to_state()).forecast(3, (80,)).mean
    assert json.loads(done.stdout) == pytest.approx(expected)
