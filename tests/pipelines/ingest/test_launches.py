"""Tables of launches: titles that are not out yet, through the real pipeline."""

import datetime as dt

import openpyxl
import pandas as pd
import pytest

from book_forecast.storage.errors import UserError
from tests.pipelines.ingest.folder import IngestFolder

SOLD, LISTED = "9780722532935", "9780241003008"
NEW, OTHER = "9780141036144", "9780000000002"
HEADER = "ISBN,Title,Author,Imprint,Class,Price,Binding,Publication Date,Comparable ISBNs,Print Run"


class Ingest(IngestFolder):
    """Has an export of two titles, and tables of launches."""

    def __init__(self, root, project_path):
        super().__init__(root, project_path)
        rows = [f"{SOLD},The Alchemist,02/03/2019,3", f"{LISTED},Caterpillar,02/03/2019,5"]
        (self.sales / "a.csv").write_text("\n".join(["ISBN,Title,End Date,Volume", *rows]))

    def table_csv(self, *rows, header=HEADER, name="spring.csv"):
        folder = self.root / "01_raw" / "launches"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join([header, *rows]) + "\n")
        return folder

    def launches(self):
        self.run()
        return self.table("launches").set_index("isbn")

    def rejected(self):
        return self.table("rejected_launches")[["row", "column", "value"]].to_numpy().tolist()


@pytest.fixture
def ingest(tmp_path, project_path):
    return Ingest(tmp_path / "data", project_path)


def test_without_the_folder_there_are_no_launches(ingest):
    assert ingest.launches().empty
    assert ingest.rejected() == []
    assert ingest.table("titles")["isbn"].tolist() == [LISTED, SOLD]


def test_a_row_has_what_is_known_of_a_title(ingest):
    ingest.table_csv(
        f'{NEW},1984,"Orwell, George",Penguin,F Adult Fiction,8.99,Paperback,13/08/2030,'
        f'"{SOLD}; {LISTED}","12,000"'
    )
    found = ingest.launches().loc[NEW]
    assert found["publication_date"] == pd.Timestamp("2030-08-13")
    assert found["comparable"] == f"{SOLD} {LISTED}"
    assert found["print_run"] == 12000
    assert found["list_price"] == 8.99
    title = ingest.table("titles").set_index("isbn").loc[NEW]
    assert title[["title", "author", "product_class", "binding"]].tolist() == [
        *("1984", "Orwell, George", "F Adult Fiction", "Paperback")
    ]
    assert ingest.rejected() == []


def test_the_same_table_may_be_a_workbook_with_other_headings(ingest):
    folder = ingest.table_csv(f"{OTHER},x,,,,,,01/02/2030,,")
    book = openpyxl.Workbook()
    book.active.append(["EAN", "Erscheinungstermin", "Comps", "Tirage", "Remark"])
    book.active.append([int(NEW), dt.date(2030, 8, 13), int(SOLD), 9000, "nice"])
    book.save(folder / "autumn.xlsx")
    found = ingest.launches()
    assert found.index.tolist() == [OTHER, NEW]
    assert found.loc[NEW, ["comparable", "print_run"]].tolist() == [SOLD, 9000]


def test_bad_rows_and_cells_cost_only_themselves(ingest):
    ingest.table_csv(
        "not an isbn,a,,,,,,13/08/2030,,",
        f"{SOLD},no date,,,,,,,,",
        f"{LISTED},bad date,,,,,,soon,,",
        f"{NEW},1984,,,,cheap,,13/08/2030,{OTHER} 978,many",
    )
    found = ingest.launches()
    assert found.index.tolist() == [NEW]
    assert found.loc[NEW, "comparable"] == OTHER
    assert pd.isna(found.loc[NEW, "print_run"])
    assert ingest.rejected() == [
        [2, "ISBN", "not an isbn"],
        [3, "Publication Date", ""],
        [4, "Publication Date", "soon"],
        [5, "RRP", "cheap"],
        [5, "Comparable ISBNs", f"{OTHER} 978"],
        [5, "Print Run", "many"],
    ]
    page = (ingest.root / "08_reporting" / "import_report.html").read_text()
    assert "Rejected rows and cells of launches" in page
    assert "no publication date: a launch needs one" in page
    assert (ingest.table("rejected_launches")["file"] == "launches/spring.csv").all()


def test_a_remark_in_the_log_ends_with_its_remedy(ingest, caplog):
    ingest.table_csv(
        f"{NEW},1984,,,,8.99,,13/08/2030,,",
        f"{OTHER},x,,,,9.99,,13/08/2030,,",
        f'{SOLD},y,,,,"9,99",,13/08/2030,,',
    )
    ingest.run()
    (remark,) = [text for text in caplog.messages if "decimal mark" in text]
    assert remark.startswith("launches/spring.csv: ")
    assert remark.endswith("Name decimal_mark if this is wrong.")


def test_a_class_that_no_title_with_sales_has_is_named_beside_those_that_they_have(ingest, caplog):
    rows = [f"{SOLD},The Alchemist,F Adult Fiction,02/03/2019,3"]
    (ingest.sales / "a.csv").write_text(
        "\n".join(["ISBN,Title,Product Class,End Date,Volume", *rows])
    )
    ingest.table_csv(
        f"{NEW},1984,,,F Adult Fiction,,,13/08/2030,,",
        f"{OTHER},x,,,Fiction,,,13/08/2030,,",
        f"{SOLD},y,,,Novels,,,13/08/2030,,",
    )
    ingest.run()
    (warning,) = [text for text in caplog.messages if "product class" in text]
    assert "has the product class Fiction: " in warning
    assert warning.endswith("one of: F Adult Fiction")


@pytest.mark.parametrize(
    ("cell", "copies"),
    [
        ("12000", 12000),
        ('"12,000"', 12000),
        ("12.000", 12000),
        ("3000 copies", 3000),
        ("n/a", None),
    ],
)
def test_print_runs_are_whole_copies(ingest, cell, copies):
    ingest.table_csv(f"{NEW},x,,,,,,13/08/2030,,{cell}")
    found = ingest.launches().loc[NEW, "print_run"]
    assert (pd.isna(found) and copies is None) or found == copies
    assert ingest.rejected() == []


def test_of_several_rows_the_later_one_holds_in_each_field(ingest):
    ingest.table_csv(f"{NEW},x,,,,,,13/08/2030,,5000", name="1.csv")
    ingest.table_csv(f"{NEW},,,,,,,20/08/2030,,", name="2.csv")
    found = ingest.launches().loc[NEW]
    assert found["publication_date"] == pd.Timestamp("2030-08-20")
    assert found["print_run"] == 5000


def test_once_a_title_sells_its_row_is_metadata(ingest):
    ingest.table_csv(f"{SOLD},Alchemy,Coelho,,,,,01/02/2019,,")
    ingest.launches()
    title = ingest.table("titles").set_index("isbn").loc[SOLD]
    assert title["author"] == "Coelho"
    assert title["publication_date"] == pd.Timestamp("2019-02-01")
    assert ingest.table("titles")["isbn"].tolist() == [LISTED, SOLD]


def test_sales_in_the_folder_are_refused_by_name(ingest):
    ingest.table_csv(f"{NEW},02/03/2019,3", header="ISBN,End Date,Volume")
    with pytest.raises(UserError, match=r"launches/spring.csv is no table of launches: it has"):
        ingest.run()
