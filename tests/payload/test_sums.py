"""Sums over weeks and titles have the distribution that the dependence gives them."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.payload.dependence import UNKNOWN, ClassDependence, Dependence, Process
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import PayloadError
from book_forecast.payload.sums import FEWEST_DRAWN, SumReader
from book_forecast.releases.assembly import with_titles_of
from tests.releases import payloads

TITLES = 6
ISBNS = [payloads.isbn(n) for n in range(TITLES)]
NOTHING = Process()
SHOCKS = Process(shock=1.0)
ALONE = Dependence(NOTHING, ClassDependence(NOTHING, SHOCKS), {})
"""All weeks of all titles are independent."""
TOGETHER = Dependence(Process(shock=1.0), ClassDependence(NOTHING, NOTHING), {})
"""All titles have the same score in a week."""
WALKS = Dependence(NOTHING, ClassDependence(NOTHING, Process(walk=1.0)), {})
NEAR_SPAN = (0.1, 0.25, 0.5, 0.75, 0.9)


def payload_with(dependence=None, **options):
    made = payloads.release(**{"titles": TITLES} | options)
    if dependence is None:
        return made
    about = {"calibration": {"dependence": dependence.to_state()}}
    return replace(made, manifest={**made.manifest, **about})


def reader_with(dependence=None, **options):
    return SumReader(payload_with(dependence, **options))


def with_column(made, name, values):
    """The payload with another column of its titles."""
    position = made.titles.schema.get_field_index(name)
    return replace(made, titles=made.titles.set_column(position, name, values))


READER = reader_with()
WEEKS = READER.next_weeks(104)


@given(
    title=st.sampled_from(ISBNS),
    week=st.integers(0, 103),
    level=st.sampled_from([50.0, 80.0, 90.0, 95.0]),
)
def test_the_sum_of_one_week_has_that_weeks_quantiles(title, week, level):
    tail = 0.5 - level / 200.0
    found = READER.sum_of([title], WEEKS[[week]], (tail, 1.0 - tail))
    weekly = ForecastReader(READER.payload).forecast(title, 104, [level])
    lower, upper = weekly.bounds[level]
    np.testing.assert_allclose(found.quantiles, [lower[week], upper[week]], rtol=1e-6)
    assert found.mean == pytest.approx(weekly.mean[week])


@settings(max_examples=30)
@given(
    titles=st.sets(st.sampled_from(ISBNS), min_size=1),
    weeks=st.sets(st.integers(0, 103), min_size=1, max_size=20),
    more=st.sets(st.integers(0, 103), max_size=5),
    another=st.sampled_from(ISBNS),
)
def test_more_weeks_or_titles_never_sell_less(titles, weeks, more, another):
    few = READER.sum_of(titles, WEEKS[sorted(weeks)], NEAR_SPAN)
    longer = READER.sum_of(titles, WEEKS[sorted(weeks | more)], NEAR_SPAN)
    wider = READER.sum_of(titles | {another}, WEEKS[sorted(weeks)], NEAR_SPAN)
    for larger in (longer, wider):
        # A single week has exact quantiles, all others those of draws.
        assert (larger.quantiles >= few.quantiles * 0.98 - 1e-9).all()
        assert larger.mean >= few.mean - 1e-9
    assert (np.diff(few.quantiles) >= 0.0).all()


@settings(max_examples=20)
@given(
    titles=st.permutations(ISBNS),
    weeks=st.lists(st.integers(0, 40), min_size=2, max_size=12),
)
def test_neither_order_nor_repetition_matters(titles, weeks):
    found = READER.sum_of([*titles, titles[0]], WEEKS[weeks], NEAR_SPAN)
    usual = READER.sum_of(ISBNS, WEEKS[sorted(set(weeks))], NEAR_SPAN)
    np.testing.assert_array_equal(found.quantiles, usual.quantiles)
    assert (found.mean, found.expected) == (usual.mean, usual.expected)


def test_means_add_up_over_titles_and_weeks():
    whole = READER.sum_of(ISBNS, WEEKS[:13], NEAR_SPAN)
    by_title = [READER.sum_of([isbn], WEEKS[:13], NEAR_SPAN) for isbn in ISBNS]
    by_week = [READER.sum_of(ISBNS, WEEKS[[week]], NEAR_SPAN) for week in range(13)]
    for parts in (by_title, by_week):
        assert whole.mean == pytest.approx(sum(part.mean for part in parts))
        assert whole.expected == pytest.approx(sum(part.expected for part in parts))


@pytest.mark.parametrize(("volume", "lowest"), [(0.0, 0.0), (0.25, 4.0)])
def test_weeks_of_a_slow_seller_are_whole_copies_where_its_sales_are(volume, lowest):
    made = payload_with(ALONE)
    # A quarter of a copy in most weeks, three copies in few.
    quantiles = np.full_like(made.quantiles, 0.25)
    quantiles[:, -4:] = 3.0
    volumes = pa.chunked_array([pa.array([[volume] * 120] * TITLES, pa.list_(pa.float64()))])
    slow = SumReader(replace(made, quantiles=quantiles, volumes=volumes))
    found = slow.sum_of(ISBNS[:1], WEEKS[:16], (0.005, 0.9)).quantiles
    assert found[0] == pytest.approx(lowest, abs=0.01)
    assert found[1] > 3.0


def test_what_is_expected_is_the_mean_of_the_distribution():
    probabilities = np.linspace(0.005, 0.995, 199)
    for weeks in (WEEKS[[30]], WEEKS[:4]):
        found = READER.sum_of(ISBNS[:1], weeks, probabilities)
        assert found.expected == pytest.approx(found.quantiles.mean(), rel=0.01)
    # Medians as means are what the ensemble has: the sum of means is then below the expectation.
    made = READER.payload
    medians = SumReader(replace(made, mean=made.quantiles[:, 8]))
    one = medians.sum_of(ISBNS, WEEKS[:4], (0.5,))
    assert one.expected > 1.02 * one.mean


def test_another_process_draws_the_same():
    again = reader_with()
    first = READER.sum_of(ISBNS[:3], WEEKS[:8], NEAR_SPAN)
    np.testing.assert_array_equal(
        again.sum_of(ISBNS[:3], WEEKS[:8], NEAR_SPAN).quantiles, first.quantiles
    )


def simulated(reader, rows, n_weeks, scores):
    """Quantiles of a sum from many plain draws; scores have shape (titles, weeks, draws)."""
    generator = np.random.default_rng(1)
    knots = np.array([-2.5758, -2.3263, -1.96, -1.6449, -1.2816, -1.0364, -0.8416, -0.6745])
    knots = np.concatenate([knots, [0.0], -knots[::-1]])
    total = 0.0
    for place, row in enumerate(rows):
        for week in range(n_weeks):
            drawn = scores(generator, place, week)
            total = total + np.interp(drawn, knots, reader.payload.quantiles[row, :, week])
    return np.quantile(total, NEAR_SPAN)


def test_independent_weeks_have_the_quantiles_of_independent_draws():
    reader = reader_with(ALONE)
    found = reader.sum_of(ISBNS[:3], WEEKS[:8], NEAR_SPAN).quantiles
    plain = simulated(reader, [0, 1, 2], 8, lambda g, *_: g.normal(size=100_000))
    np.testing.assert_allclose(found, plain, rtol=0.02)


def test_titles_that_move_together_have_sums_of_quantiles_in_a_week():
    reader = reader_with(TOGETHER)
    found = reader.sum_of(ISBNS, WEEKS[[4]], NEAR_SPAN).quantiles
    apart = [reader.sum_of([isbn], WEEKS[[4]], NEAR_SPAN).quantiles for isbn in ISBNS]
    np.testing.assert_allclose(found, np.sum(apart, axis=0), rtol=0.01)


def test_sums_are_wider_the_more_weeks_depend_and_never_wider_than_comonotone_ones():
    def width(dependence, weeks):
        found = reader_with(dependence).sum_of(ISBNS[:1], weeks, (0.1, 0.9)).quantiles
        return found[1] - found[0]

    independent, walking = width(ALONE, WEEKS[:26]), width(WALKS, WEEKS[:26])
    comonotone = sum(width(ALONE, WEEKS[[week]]) for week in range(26))
    assert independent < 0.4 * walking
    assert walking < comonotone


@pytest.mark.parametrize("dependence", [ALONE, UNKNOWN])
def test_a_long_list_has_the_distribution_of_its_titles_drawn_one_by_one(dependence, monkeypatch):
    options = {"titles": 150, "seed": 3}
    isbns = [payloads.isbn(n) for n in range(150)]
    found = reader_with(dependence, **options).sum_of(isbns, WEEKS[:8], NEAR_SPAN)
    monkeypatch.setattr("book_forecast.payload.sums.DRAWN_WEEKS", 10**6)
    one_by_one = reader_with(dependence, **options).sum_of(isbns, WEEKS[:8], NEAR_SPAN)
    spread = one_by_one.quantiles[-1] - one_by_one.quantiles[0]
    np.testing.assert_allclose(found.quantiles, one_by_one.quantiles, atol=0.06 * spread)
    assert FEWEST_DRAWN < 150


def test_the_weeks_of_a_launch_err_alike():
    made = payload_with(ALONE)
    models = ["launch", *["sarima"] * (TITLES - 1)]
    reader = SumReader(with_column(made, "model", pa.array(models, pa.string())))
    launch = reader.sum_of(ISBNS[:1], WEEKS[:26], (0.1, 0.9))
    usual = SumReader(made).sum_of(ISBNS[:1], WEEKS[:26], (0.1, 0.9))
    singles = [SumReader(made).sum_of(ISBNS[:1], WEEKS[[w]], (0.1, 0.9)) for w in range(26)]
    comonotone = sum(np.ptp(single.quantiles) for single in singles)
    assert 2.0 * np.ptp(usual.quantiles) < np.ptp(launch.quantiles) < comonotone


def test_a_class_without_an_estimate_gets_the_usual_one():
    named = replace(UNKNOWN, classes={"other": ClassDependence(NOTHING, Process(shock=0.9))})
    usual = reader_with(UNKNOWN).sum_of(ISBNS, WEEKS[:8], NEAR_SPAN)
    found = reader_with(named).sum_of(ISBNS, WEEKS[:8], NEAR_SPAN)
    np.testing.assert_array_equal(found.quantiles, usual.quantiles)


def test_a_class_with_an_estimate_has_its_own():
    classes = {
        name or "": ClassDependence(NOTHING, Process(walk=1.0))
        for name in READER.payload.titles["product_class"].to_pylist()
    }
    named = replace(ALONE, classes=classes)
    found, walking, apart = (
        reader_with(dependence).sum_of(ISBNS, WEEKS[:13], NEAR_SPAN).quantiles
        for dependence in (named, WALKS, ALONE)
    )
    np.testing.assert_array_equal(found, walking)
    assert np.ptp(found) > 1.5 * np.ptp(apart)


def test_titles_of_a_long_list_that_are_not_drawn_vary_too():
    made = payload_with(ALONE, titles=400)
    equal = replace(made, quantiles=np.repeat(made.quantiles[:1], 400, axis=0))
    isbns = SumReader(equal).isbns

    def width(n_titles):
        found = SumReader(equal).sum_of(isbns[:n_titles], WEEKS[:8], (0.1, 0.9))
        return np.ptp(found.quantiles)

    assert width(400) == pytest.approx(np.sqrt(400 / 25) * width(25), rel=0.08)


def test_a_release_without_a_dependence_has_wider_sums_than_independent_weeks():
    old = READER.sum_of(ISBNS, WEEKS[:13], (0.1, 0.9)).quantiles
    alone = reader_with(ALONE).sum_of(ISBNS, WEEKS[:13], (0.1, 0.9)).quantiles
    assert np.ptp(old) > 1.5 * np.ptp(alone)


def test_a_title_with_an_older_cutoff_is_asked_for_the_same_weeks():
    made = payload_with(WALKS)
    earlier = [payloads.CUTOFF - dt.timedelta(weeks=2)] + [payloads.CUTOFF] * (TITLES - 1)
    reader = SumReader(with_column(made, "cutoff", pa.array(earlier, pa.date32())))
    found = reader.sum_of(ISBNS[:2], WEEKS[:3], NEAR_SPAN)
    assert found.mean == pytest.approx(made.mean[0, 2:5].sum() + made.mean[1, :3].sum(), rel=1e-6)


def test_titles_with_different_cutoffs_have_the_same_shocks_in_a_week():
    made = payload_with(TOGETHER)
    earlier = [payloads.CUTOFF - dt.timedelta(weeks=2)] + [payloads.CUTOFF] * (TITLES - 1)
    reader = SumReader(with_column(made, "cutoff", pa.array(earlier, pa.date32())))
    found = reader.sum_of(ISBNS[:2], WEEKS[[4]], NEAR_SPAN).quantiles
    apart = [reader.sum_of([isbn], WEEKS[[4]], NEAR_SPAN).quantiles for isbn in ISBNS[:2]]
    np.testing.assert_allclose(found, np.sum(apart, axis=0), rtol=0.01)


def test_titles_of_a_class_move_together_and_those_of_others_do_not():
    shared = Dependence(NOTHING, ClassDependence(SHOCKS, NOTHING), {})
    names = pa.array(["F", "F", *["Y"] * (TITLES - 2)], pa.string())
    reader = SumReader(with_column(payload_with(shared), "product_class", names))
    single = [reader.sum_of([isbn], WEEKS[[4]], NEAR_SPAN).quantiles for isbn in ISBNS]
    alike = reader.sum_of(ISBNS[:2], WEEKS[[4]], NEAR_SPAN).quantiles
    np.testing.assert_allclose(alike, single[0] + single[1], rtol=0.01)
    unlike = reader.sum_of([ISBNS[0], ISBNS[2]], WEEKS[[4]], NEAR_SPAN).quantiles
    assert np.ptp(unlike) < 0.9 * (np.ptp(single[0]) + np.ptp(single[2]))


@pytest.mark.parametrize(
    ("weeks", "probabilities", "message"),
    [
        (WEEKS[:1] + np.timedelta64(1, "D"), (0.5,), "must be Saturdays"),
        (WEEKS[:1] - np.timedelta64(7, "D"), (0.5,), "is not within 104 weeks after"),
        (WEEKS[-1:] + np.timedelta64(7, "D"), (0.5,), "is not within 104 weeks after"),
        (WEEKS[:1], (0.001,), r"it must be 0.005 to 0.995"),
    ],
)
def test_weeks_and_probabilities_out_of_bounds_are_refused(weeks, probabilities, message):
    with pytest.raises(ValueError, match=message):
        READER.sum_of(ISBNS[:1], weeks, probabilities)


def test_an_unknown_title_is_refused():
    with pytest.raises(KeyError):
        READER.sum_of(["9780000000000"], WEEKS[:1], (0.5,))


def test_no_titles_or_weeks_sell_nothing():
    assert READER.sum_of([], WEEKS[:4], (0.5,)).quantiles.tolist() == [0.0]
    assert READER.sum_of(ISBNS, WEEKS[:0], (0.5,)).mean == 0.0


def test_a_dependence_survives_its_plain_data():
    assert Dependence.from_state(UNKNOWN.to_state()) == UNKNOWN
    assert Dependence.from_state(None) == UNKNOWN


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: s["usual"]["own"].update(shock=0.9), "add up to"),
        (lambda s: s["common"].update(walk=-0.2), "not between 0 and 1"),
        (lambda s: s["usual"].pop("own"), "lacks 'own'"),
    ],
)
def test_a_damaged_dependence_is_refused(spoil, message):
    state = UNKNOWN.to_state()
    spoil(state)
    with pytest.raises(ValueError, match=message):
        Dependence.from_state(state)


def test_a_payload_with_a_damaged_dependence_is_refused():
    made = payload_with(UNKNOWN)
    made.manifest["calibration"]["dependence"]["usual"].pop("own")
    with pytest.raises(PayloadError, match=f"{made.release} cannot add up forecasts"):
        SumReader(made)


def test_a_partial_rollback_has_the_dependence_of_the_champion():
    champion, older = payload_with(ALONE), payload_with(TOGETHER, seed=1)
    made = SumReader(with_titles_of(champion, older, ISBNS[:2]))
    assert made.dependence == ALONE


@pytest.mark.parametrize("calibration", [None, {}])
def test_a_calibration_without_a_dependence_gets_the_default(calibration):
    made = payload_with()
    named = replace(made, manifest={**made.manifest, "calibration": calibration})
    assert SumReader(named).dependence == UNKNOWN
