"""Tables of a release for planners."""

from dataclasses import replace

import pyarrow as pa
import pytest

from book_forecast.payload.contents import Payload, read_payload
from book_forecast.payload.manifest import PayloadError
from book_forecast.payload.planning import PLANNING, taken
from book_forecast.releases.assembly import files_of, with_planning, with_titles_of
from book_forecast.serving.loading.loader import load
from tests.releases import payloads


@pytest.fixture
def payload(tmp_path) -> Payload:
    made = with_planning(payloads.release(titles=9), payloads.planning(9))
    return payloads.payload_of(made, tmp_path / "release")


def test_a_release_keeps_its_tables_for_planners_as_files(payload):
    assert set(payload.planning) == set(PLANNING)
    for kind, table in payloads.planning(9).items():
        assert payload.planning[kind].equals(table)


def test_a_service_loads_them_into_shared_memory(payload, tmp_path):
    loaded = load(str(tmp_path / "release"))
    for kind, table in payload.planning.items():
        assert loaded.planning[kind].equals(table)


def test_a_release_without_them_is_read_as_before(tmp_path):
    assert read_payload(payloads.write(tmp_path / "release")).planning == {}


def test_only_a_table_that_changed_is_written_again(payload):
    same = with_planning(payload, {"details": payload.planning["details"]})
    assert same is payload
    details = payload.planning["details"]
    imprints = pa.array(["New"] * 9, pa.string())
    changed = with_planning(payload, {"details": details.set_column(0, "imprint", imprints)})
    written = files_of(changed, payload.manifest)
    assert sorted(name.partition("-")[0] for name in written) == ["details", "manifest.json"]


def test_a_table_that_lacks_a_title_is_refused(payload, tmp_path):
    short = with_planning(payload, {"details": payload.planning["details"].slice(1)})
    with pytest.raises(PayloadError, match="8 rows for 9 titles"):
        payloads.payload_of(short, tmp_path / "short")


def test_titles_of_an_older_release_bring_their_rows(payload):
    details = payload.planning["details"]
    renamed = details.set_column(0, "imprint", pa.array(["Old"] * 9, pa.string()))
    isbn = payloads.isbn(4)
    mixed = with_titles_of(payload, replace(payload, planning={"details": renamed}), [isbn])
    row = mixed.titles["isbn"].to_pylist().index(isbn)
    expected = details["imprint"].to_pylist()
    expected[row] = "Old"
    assert mixed.planning["details"]["imprint"].to_pylist() == expected
    # The older release knows no promotions.
    assert mixed.planning["promotions"]["weeks"][row].as_py() is None
    assert mixed.planning["left_out"].equals(payload.planning["left_out"])


def test_new_titles_have_nothing_yet(payload):
    found = taken(payload.planning, [0, 9, 8])
    assert found["details"]["imprint"].to_pylist() == ["Imprint 0", None, "Imprint 8"]
    assert found["promotions"]["weeks"].to_pylist()[1] is None
