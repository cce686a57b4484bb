"""What a payload must be to be read, and what it then says."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_forecast.payload.contents import read_payload, table_bytes
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import (
    LONGEST_HORIZON,
    MANIFEST,
    PayloadError,
    checksum,
    file_entry,
)
from tests.releases import payloads


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return payloads.write(tmp_path_factory.mktemp("release"), titles=5)


@pytest.fixture
def folder(written, tmp_path):
    """A payload to be spoilt."""
    return shutil.copytree(written, tmp_path / "release")


def changed(folder, **values):
    """Write a manifest with other values, and a checksum that is right."""
    manifest = json.loads((folder / MANIFEST).read_text()) | values
    manifest["checksum"] = checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def retitled(folder, titles):
    """Put other titles in, with a manifest that is right."""
    name, content = table_bytes("titles", titles)
    (folder / name).write_bytes(content)
    files = json.loads((folder / MANIFEST).read_text())["files"]
    changed(folder, files=files | {"titles": file_entry(name, content)})


def file_of(folder, kind):
    return next(folder.glob(f"{kind}-*.parquet"))


def test_a_payload_holds_what_it_was_assembled_from(written):
    payload, source = read_payload(written), payloads.tables(titles=5)
    assert len(payload) == 5
    assert payload.titles.equals(source["titles"].select(payload.titles.column_names))
    assert payload.mean.shape == (5, LONGEST_HORIZON)
    flat = source["distributions"]["quantiles"].combine_chunks().flatten().to_numpy()
    np.testing.assert_array_equal(payload.quantiles.ravel(), flat)
    assert payload.volumes.to_pylist() == source["histories"]["volumes"].to_pylist()
    assert payload.manifest["models"] == {"sarima": 3, "seasonal_naive": 2}
    assert payload.manifest["fallbacks"] == 2


def test_the_same_titles_make_the_same_files(tmp_path):
    first, second = (payloads.write(tmp_path / name) for name in ("a", "b"))
    assert {p.name: p.read_bytes() for p in first.iterdir()} == {
        p.name: p.read_bytes() for p in second.iterdir()
    }


@pytest.mark.parametrize("kind", ["titles", "histories", "distributions", "scores"])
def test_a_damaged_file_is_refused_by_name(folder, kind):
    path = file_of(folder, kind)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(PayloadError, match=f"{path.name} is damaged"):
        read_payload(folder)


def test_a_missing_file_is_refused_by_name(folder):
    path = file_of(folder, "histories")
    path.unlink()
    with pytest.raises(PayloadError, match=f"{path.name} cannot be read"):
        read_payload(folder)


def test_a_changed_manifest_is_refused(folder):
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace("2024-07-01T05", "2025-07-01T05"))
    with pytest.raises(PayloadError, match=r"manifest\.json is damaged"):
        read_payload(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"format": "1"}'])
def test_what_is_no_manifest_is_refused(folder, text):
    (folder / MANIFEST).write_text(text)
    with pytest.raises(PayloadError, match=r"manifest\.json"):
        read_payload(folder)


def test_a_newer_format_is_refused_by_its_number(folder):
    changed(folder, format=2)
    with pytest.raises(PayloadError, match="is of format 2, this code reads format 1"):
        read_payload(folder)


@pytest.mark.parametrize(
    "name", ["../secret.parquet", "/etc/passwd", "titles-0.parquet", "model.pkl", "a/../b.parquet"]
)
def test_a_file_outside_of_the_folder_is_refused(folder, name):
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"]["titles"]["name"] = name
    changed(folder, files=manifest["files"])
    with pytest.raises(PayloadError, match="no such file"):
        read_payload(folder)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path):
    path = file_of(folder, "titles")
    path.rename(tmp_path / path.name)
    path.symlink_to(tmp_path / path.name)
    with pytest.raises(PayloadError, match=path.name):
        read_payload(folder)


@pytest.mark.parametrize("name", ["model.pkl", "run.py", "lib.so", "MLmodel"])
def test_a_folder_with_anything_but_data_is_refused(folder, name):
    (folder / name).write_bytes(b"")
    with pytest.raises(PayloadError, match=f"{name} does not belong into a release"):
        read_payload(folder)


def test_a_table_with_other_columns_is_refused(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    path = file_of(folder, "scores")
    pq.write_table(pa.table({"wape": [0.1] * 5}), path)
    from book_forecast.payload.manifest import file_entry

    manifest["files"]["scores"] = file_entry(path.name, path.read_bytes())
    changed(folder, files=manifest["files"])
    with pytest.raises(PayloadError, match="does not have the columns of scores"):
        read_payload(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("release", None),
        ("release", 5),
        ("release", "../elsewhere"),
        ("cutoff", "soon"),
        ("cutoff", [2024]),
        ("files", None),
        ("files", {"titles": "titles.parquet"}),
    ],
)
def test_a_manifest_that_is_wrong_though_its_checksum_is_right_is_refused(folder, key, value):
    changed(folder, **{key: value})
    with pytest.raises(PayloadError, match=f"manifest.json is no manifest .* '{key}' is wrong"):
        read_payload(folder)


def test_a_manifest_without_a_cutoff_is_refused(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["cutoff"]
    (folder / MANIFEST).write_text(json.dumps(manifest | {"checksum": checksum(manifest)}))
    with pytest.raises(PayloadError, match="'cutoff' is wrong"):
        read_payload(folder)


def test_a_manifest_of_many_brackets_is_refused(folder):
    (folder / MANIFEST).write_text("[" * 100_000)
    with pytest.raises(PayloadError, match=r"manifest.json cannot be read"):
        read_payload(folder)


@pytest.mark.parametrize("column", ["isbn", "model", "cutoff"])
def test_titles_without_what_they_are_asked_by_are_refused(folder, column):
    titles = read_payload(folder).titles
    field = titles.schema.field(column)
    values = pa.array([*titles[column].to_pylist()[:4], None], field.type)
    retitled(folder, titles.set_column(titles.schema.get_field_index(column), field, values))
    with pytest.raises(PayloadError, match=rf"titles-\w+\.parquet has titles without {column}"):
        read_payload(folder)


def test_a_title_that_is_there_twice_is_refused(folder):
    titles = read_payload(folder).titles
    retitled(folder, pa.concat_tables([titles.slice(0, 1), titles.slice(0, 4)]))
    with pytest.raises(PayloadError, match=r"titles-\w+\.parquet has titles more than once"):
        read_payload(folder)


def test_a_release_without_scores_can_be_read(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["files"]["scores"]
    changed(folder, files=manifest["files"])
    assert read_payload(folder).scores is None


def test_kept_levels_are_exact_and_others_lie_between(written):
    payload = read_payload(written)
    answers = ForecastReader(payload)
    answer = answers.forecast(payloads.isbn(2), 32, (80, 85, 90))
    np.testing.assert_array_equal(answer.bounds[80][0], payload.quantiles[2, 4, :32])
    np.testing.assert_array_equal(answer.bounds[90][1], payload.quantiles[2, 13, :32])
    for side, sign in ((0, 1), (1, -1)):
        inner, middle, outer = (sign * answer.bounds[level][side] for level in (80, 85, 90))
        assert (outer < middle).all()
        assert (middle < inner).all()


def test_a_level_between_two_is_exact_for_log_normal_sales(written):
    answer = ForecastReader(read_payload(written)).forecast(payloads.isbn(0), 1, (0.1 * 100 + 52,))
    assert answer.weeks.tolist() == [payloads.CUTOFF + (np.timedelta64(7, "D")).astype(object)]
    level = np.random.default_rng(0).normal(4.0, 1.0, (5, 1))[0, 0]
    from statistics import NormalDist

    reach = 0.3 * NormalDist().inv_cdf(0.5 + 0.62 / 2)
    assert answer.bounds[62.0][1][0] == pytest.approx(np.expm1(level + reach), rel=1e-5)


@pytest.mark.parametrize("horizon", [0, -1, 105])
def test_a_horizon_beyond_the_payload_is_refused_with_its_bounds(written, horizon):
    with pytest.raises(ValueError, match="must be 1 to 104 weeks"):
        ForecastReader(read_payload(written)).forecast(payloads.isbn(0), horizon, (80,))


@pytest.mark.parametrize("level", [0, 0.5, 99.5, 100, float("nan")])
def test_a_level_beyond_the_payload_is_refused_with_its_bounds(written, level):
    with pytest.raises(ValueError, match="must be 1 to 99 percent"):
        ForecastReader(read_payload(written)).forecast(payloads.isbn(0), 4, (level,))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"probabilities": [0.5]}, "'probabilities' is wrong"),
        ({"longest_horizon": 52}, "'longest_horizon' is wrong"),
        ({"format": True}, "has no format"),
    ],
)
def test_a_manifest_that_was_forged_is_refused(folder, values, reason):
    changed(folder, **values)
    with pytest.raises(PayloadError, match=reason):
        read_payload(folder)


@pytest.mark.parametrize("damage", ["nan", "twice", "no_cutoff", "short_history"])
def test_tables_that_do_not_answer_are_refused(tmp_path, damage):
    tables = payloads.tables()
    titles = tables["titles"].to_pydict()
    if damage == "nan":
        mean = np.full((3, LONGEST_HORIZON), np.nan)
        tables["distributions"] = tables["distributions"].set_column(
            0, "mean", payloads._lists(mean)
        )
    elif damage == "twice":
        titles["isbn"][1] = titles["isbn"][0]
    elif damage == "no_cutoff":
        titles["cutoff"][1] = None
    else:
        tables["histories"] = pa.table({"volumes": [[1.0]] * 3})
    tables["titles"] = pa.table(titles)
    for kind, table in tables.items():
        name, content = table_bytes(kind, table)
        tables[kind] = file_entry(name, content)
        (tmp_path / name).write_bytes(content)
    source = json.loads((payloads.write(tmp_path / "whole") / MANIFEST).read_text())
    shutil.rmtree(tmp_path / "whole")
    (tmp_path / MANIFEST).write_text(json.dumps(source))
    changed(tmp_path, files=tables)
    reason = {"nan": "not finite", "twice": "more than once", "no_cutoff": "without cutoff"}
    with pytest.raises(PayloadError, match=reason.get(damage, "do not end with")):
        read_payload(tmp_path)
