"""Scales of titles come from folds that say something of them."""

import numpy as np
import pytest

from book_forecast.forecasters.residual_scales import FoldErrors, as_of_today, title_scales

FOLDS, HORIZON = 6, 8


def errors_of(n_titles, empty, expected=0.3):
    """Residuals of titles that err alike; the last one has no error at some folds."""
    rng = np.random.default_rng(0)
    errors = rng.normal(scale=0.3, size=(n_titles, FOLDS, HORIZON))
    errors[-1, empty] *= 1e-9
    return FoldErrors(
        errors.reshape(-1, HORIZON),
        np.repeat(np.arange(n_titles), FOLDS),
        np.r_[np.full(n_titles - 1, 0.3), expected],
        growth=np.tile(np.linspace(2.0, 1.0, FOLDS), n_titles),
    )


@pytest.mark.parametrize("n_titles", [2, 12])
@pytest.mark.parametrize("n_empty", [3, 5])
@pytest.mark.parametrize("expected", [0.3, 0.0])
def test_a_title_that_comes_back_has_the_scale_of_the_folds_since(n_titles, n_empty, expected):
    """Before that it sells nothing, and forecasts are zero."""
    usual = title_scales(errors_of(n_titles, slice(0)))
    found = title_scales(errors_of(n_titles, slice(n_empty), expected))
    assert found == pytest.approx(usual, rel=0.25)
    assert found[:-1] == pytest.approx(usual[:-1], rel=0.1)


def test_folds_without_an_error_say_nothing_of_growth():
    """A title that went out of print has not learned."""
    today = as_of_today(errors_of(12, slice(FOLDS - 2, None)))
    usual = as_of_today(errors_of(12, slice(0)))
    assert today.errors[:-FOLDS] == pytest.approx(usual.errors[:-FOLDS], rel=0.1)


@pytest.mark.parametrize("n_titles", [2, 3, 6, 9, 12])
def test_a_quiet_beginning_does_not_bend_the_scales_of_few_titles(n_titles):
    """One copy and years without a sale before its folds: then it sells and errs like the rest."""
    usual = title_scales(errors_of(n_titles, slice(0)))
    found = title_scales(errors_of(n_titles, slice(0), expected=0.008))
    assert (np.abs(np.log(found / usual)) < 0.6).all()


@pytest.mark.parametrize("n_titles", [2, 3, 6, 9])
@pytest.mark.parametrize("expected", [0.008, 0.0])
def test_a_title_with_a_quiet_beginning_and_no_fold_since_has_the_usual_scale(n_titles, expected):
    """All its folds reach across the rise of its level, and say nothing of its scale."""
    found = errors_of(n_titles, slice(0), expected)
    found.errors[-FOLDS:] = np.nan
    scales = title_scales(found)
    assert scales[-1] == pytest.approx(np.exp(np.log(scales[:-1]).mean()), rel=0.5)
