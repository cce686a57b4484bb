"""An export with several columns of copies says which one is taken."""

from __future__ import annotations

from pathlib import Path

from tests.exports.ingest import Outcome, run_ingest

ISBN = "9780722532935"


def ingest(root: Path, header: str, *rows: str) -> Outcome:
    folder = root / "01_raw" / "sales"
    folder.mkdir(parents=True)
    (folder / "sales.csv").write_text("\n".join([header, *rows, ""]))
    return run_ingest(root)


def test_net_copies_are_taken_and_the_gross_ones_told(tmp_path):
    header = "ISBN,End Date,Units,Returns,Net Units"
    outcome = ingest(tmp_path, header, f"{ISBN},28/02/2026,25,5,20", f"{ISBN},07/03/2026,9,0,9")
    assert outcome.weekly["volume"].tolist() == [20.0, 9.0]
    (warning,) = outcome.warnings
    assert 'Column "Net Units" is taken for the copies, "Units" is not.' in warning


def test_one_column_of_copies_needs_no_word(tmp_path):
    outcome = ingest(tmp_path, "ISBN,End Date,Units,Returns", f"{ISBN},28/02/2026,25,5")
    assert outcome.weekly["volume"].tolist() == [25.0]
    assert outcome.warnings == []
