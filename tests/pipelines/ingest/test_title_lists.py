"""The ISBN list of BookScan, in its own folder or among the exports, through the real pipeline."""

import datetime as dt
import logging
import zipfile

import openpyxl
import pandas as pd
import pytest

from book_forecast.storage.errors import UserError
from tests.pipelines.ingest.folder import IngestFolder

ALCHEMIST, CATERPILLAR, OTHER = "9780722532935", "9780241003008", "9780141036144"
LIST = [
    *("ISBN", "Title", "Author", "Imprint", "Publisher Group", "RRP", "Binding"),
    *("Publication Date", "Product Class", "Country of Publication"),
]


class Ingest(IngestFolder):
    """Has an export of two titles, and lists of titles."""

    def __init__(self, root, project_path):
        super().__init__(root, project_path)
        self.lists = root / "01_raw" / "titles"
        self.export("a.csv")

    def export(self, name, *rows, header="ISBN,Title,Author,Product Class,End Date,Volume"):
        rows = rows or (
            f'{ALCHEMIST},"Alchemist, The","Coelho, Paulo",F Adult Fiction,02/03/2019,3',
            f"{CATERPILLAR},Hungry Caterpillar,,,02/03/2019,5",
        )
        (self.sales / name).write_text("\n".join([header, *rows]) + "\n")

    def list_book(self, name, sheets, header=LIST, folder=None):
        folder = folder or self.lists
        folder.mkdir(exist_ok=True)
        book = openpyxl.Workbook()
        book.remove(book.active)
        for sheet, rows in sheets.items():
            page = book.create_sheet(sheet)
            for cells in (header, *rows):
                page.append(cells)
        book.save(folder / name)
        return folder / name

    def list_csv(self, name, header, *rows, folder=None):
        folder = folder or self.lists
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join([header, *rows]) + "\n")

    def run(self, exports=None, **options):
        super().run(exports, **options)
        return self.table("titles").set_index("isbn")


@pytest.fixture
def ingest(tmp_path, project_path):
    return Ingest(tmp_path / "data", project_path)


def listed(isbn=ALCHEMIST, title="Alchemist, The", published=dt.date(1995, 10, 2), **others):
    cells = {
        "author": "Coelho, Paulo",
        "imprint": "Thorsons",
        "group": "HarperCollins",
        "rrp": 8.99,
        "binding": "Paperback",
        "class": None,
        "country": "United Kingdom",
    } | others
    return [
        *(isbn, title, cells["author"], cells["imprint"], cells["group"], cells["rrp"]),
        *(cells["binding"], published, cells["class"], cells["country"]),
    ]


def dates(titles):
    return titles["publication_date"].dt.strftime("%Y-%m-%d").to_dict()


def messages(caplog, *words):
    return [text for text in caplog.messages if all(word in text for word in words)]


def test_without_a_list_the_titles_are_those_of_the_exports(ingest):
    titles = ingest.run()
    assert titles.loc[ALCHEMIST, "title"] == "Alchemist, The"
    assert list(titles.columns[-3:]) == ["publication_date", "country", "list_price"]
    assert titles[["publication_date", "country", "list_price"]].isna().all(axis=None)
    assert ingest.table("rejected_titles").empty


def test_a_workbook_with_a_sheet_per_class_gives_metadata_by_isbn(ingest, caplog):
    caplog.set_level(logging.INFO)
    ingest.list_book(
        "isbn list.xlsx",
        {
            "F - Adult Fiction": [listed()],
            "Y - Children's": [
                listed(
                    *(9780241003008, "Very Hungry Caterpillar,The:A Board Book"),
                    dt.datetime(1994, 9, 29, 0, 0),
                    author="Carle, Eric",
                ),
                listed(OTHER, "1984", author="Orwell, George"),
            ],
        },
    )
    titles = ingest.run()
    assert titles.index.tolist() == [CATERPILLAR, ALCHEMIST]
    assert titles["title"].tolist() == [
        "The Very Hungry Caterpillar:A Board Book",
        "The Alchemist",
    ]
    assert titles["author"].tolist() == ["Carle, Eric", "Coelho, Paulo"]
    assert titles["product_class"].tolist() == ["Y - Children's", "F Adult Fiction"]
    assert titles["publisher_group"].tolist() == ["HarperCollins"] * 2
    assert dates(titles) == {ALCHEMIST: "1995-10-02", CATERPILLAR: "1994-09-29"}
    assert titles["list_price"].tolist() == [8.99, 8.99]
    assert titles["country"].tolist() == ["United Kingdom"] * 2
    assert messages(caplog, "List titles/isbn list.xlsx: 3 titles, 3 publication dates, 0 cells")
    assert messages(caplog, "Lists of titles have 2 of 2 titles with sales")
    page = (ingest.root / "08_reporting" / "import_report.html").read_text()
    assert "F - Adult Fiction, Y - Children&#x27;s" in page


@pytest.mark.parametrize(
    "header",
    [
        ["ISBN13", "Book Title", "Pub Date", "Price", "Country"],
        ["EAN", "TITLE", "publication_date", "RRP (£)", "COUNTRY OF PUB"],
        ["isbn-13", "title", "Pub. Date", "List Price", "Publication Country"],
        ["ISBN", "Titel", "Erscheinungstermin", "Preis", "Land"],
    ],
)
def test_columns_are_known_in_many_spellings(ingest, header):
    ingest.list_book("l.xlsx", {"x": [[ALCHEMIST, "x", "2.10.1995", 9, "GB"]]}, header)
    titles = ingest.run()
    assert dates(titles)[ALCHEMIST] == "1995-10-02"
    assert titles.loc[ALCHEMIST, ["title", "country", "list_price"]].tolist() == ["x", "GB", 9.0]


@pytest.mark.parametrize("texts", [["10/02/1995", "09/29/1994"], ["02/10/1995", "29/09/1994"]])
def test_the_order_of_day_and_month_is_that_of_the_whole_file(ingest, texts):
    sheets = {
        f"s{n}": [listed(isbn, "x", text)]
        for n, (isbn, text) in enumerate(zip((ALCHEMIST, CATERPILLAR), texts, strict=True))
    }
    ingest.list_book("l.xlsx", sheets)
    assert dates(ingest.run()) == {ALCHEMIST: "1995-10-02", CATERPILLAR: "1994-09-29"}


def test_dates_without_an_order_are_read_day_first_with_a_warning_or_as_the_user_says(
    ingest, caplog
):
    ingest.list_csv("l.csv", "ISBN,Title,Publication Date", f"{ALCHEMIST},x,02/10/1995")
    assert dates(ingest.run())[ALCHEMIST] == "1995-10-02"
    assert messages(caplog, "titles/l.csv", "they are read day first")
    caplog.clear()
    titles = ingest.run(
        {"*.csv": {"date_order": "day_first"}, "titles/*": {"date_order": "month_first"}}
    )
    assert dates(titles)[ALCHEMIST] == "1995-02-10"
    assert not messages(caplog, "they are read day first")


def test_dates_without_an_order_are_read_as_those_of_the_exports(ingest, caplog):
    ingest.export("a.csv", f"{ALCHEMIST},x,,,03/02/2019,3", f"{ALCHEMIST},x,,,03/30/2019,3")
    ingest.list_csv("l.csv", "ISBN,Title,Publication Date", f"{ALCHEMIST},x,10/02/1995")
    assert dates(ingest.run())[ALCHEMIST] == "1995-10-02"
    assert messages(caplog, "titles/l.csv", "they are read month first")


def test_a_date_in_another_order_than_the_others_is_rejected(ingest):
    rows = [f"{OTHER},x,{day}/01/2020" for day in range(13, 28)]
    ingest.list_csv(
        *("l.csv", "ISBN,Title,Publication Date", *rows),
        *(f"{ALCHEMIST},x,12/31/2019", f"{CATERPILLAR},x,02/10/1995"),
    )
    titles = ingest.run()
    assert titles.loc[ALCHEMIST, "publication_date"] is pd.NaT
    assert dates(titles)[CATERPILLAR] == "1995-10-02"
    rejected = ingest.table("rejected_titles")
    assert rejected[["row", "value"]].to_numpy().tolist() == [[17, "12/31/2019"]]
    assert "another order" in rejected.loc[0, "reason"]


def test_forthcoming_and_unknown_dates(ingest):
    today = dt.datetime.now(tz=dt.UTC).date()
    ahead = today.replace(year=today.year + 4, day=1)
    ingest.list_book(
        "l.xlsx", {"F": [listed(published=ahead), listed(CATERPILLAR, published="01/01/1900")]}
    )
    titles = ingest.run()
    assert titles.loc[ALCHEMIST, "publication_date"] == pd.Timestamp(ahead)
    assert titles.loc[CATERPILLAR, "publication_date"] is pd.NaT
    assert ingest.table("rejected_titles").empty


def test_serial_numbers_of_days_count_from_the_workbooks_own_first_day(ingest):
    path = ingest.list_book("l.xlsx", {"F": [listed(published=33512)]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert b"<workbookPr" in parts["xl/workbook.xml"]
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
        b"<workbookPr", b'<workbookPr date1904="1"'
    )
    assert dates(ingest.run())[ALCHEMIST] == "1991-10-01"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert dates(ingest.run())[ALCHEMIST] == "1995-10-02"


def test_bad_cells_are_rejected_with_their_place_and_do_not_count_as_sales(ingest):
    ingest.list_book(
        "l.xlsx",
        {
            "F": [listed("9780722532936"), listed(published="soon"), ["Total", *[None] * 9]],
            "Y": [listed(CATERPILLAR, rrp="cheap"), listed("x"), listed("y"), listed(None)],
        },
    )
    titles = ingest.run(max_rejected_share=0.0)
    assert dates(titles)[CATERPILLAR] == "1995-10-02"
    assert titles.loc[ALCHEMIST, "country"] == "United Kingdom"
    assert titles.loc[ALCHEMIST, "publication_date"] is pd.NaT
    assert pd.isna(titles.loc[CATERPILLAR, "list_price"])
    rejected = ingest.table("rejected_titles")
    assert rejected.drop(columns="reason").to_numpy().tolist() == [
        ["titles/l.xlsx", "F", 2, "ISBN", "9780722532936"],
        ["titles/l.xlsx", "F", 3, "Publication Date", "soon"],
        ["titles/l.xlsx", "Y", 2, "RRP", "cheap"],
        ["titles/l.xlsx", "Y", 3, "ISBN", "x"],
        ["titles/l.xlsx", "Y", 4, "ISBN", "y"],
        ["titles/l.xlsx", "Y", 5, "ISBN", ""],
    ]
    assert ingest.table("rejected_rows").empty


def test_an_isbn_that_a_spreadsheet_has_rounded_is_no_title(ingest):
    rounded = "9780330000000"
    ingest.export("b.csv", f"{rounded},x,,,02/03/2019,4")
    ingest.list_book("l.xlsx", {"F": [listed(), listed(rounded, "One"), listed(rounded, "Two")]})
    titles = ingest.run()
    assert titles.loc[rounded, "publication_date"] is pd.NaT
    assert titles.loc[rounded, "title"] == "x"
    rejected = ingest.table("rejected_titles")
    assert rejected["value"].tolist() == [rounded] * 2
    assert rejected["row"].tolist() == [3, 4]


def test_of_several_rows_and_lists_the_later_one_holds_in_each_field(ingest, caplog):
    ingest.list_book(
        "a.xlsx",
        {
            "F - Adult Fiction": [listed(CATERPILLAR, "First", dt.date(2001, 1, 1))],
            "Y - Children's": [listed(CATERPILLAR, "Second", dt.date(2002, 2, 2), rrp=None)],
        },
    )
    ingest.list_csv("b.csv", "ISBN,Publication Date", f"{CATERPILLAR},2003-03-03")
    titles = ingest.run()
    found = titles.loc[CATERPILLAR, ["title", "product_class", "list_price"]].tolist()
    assert found == ["Second", "Y - Children's", 8.99]
    assert dates(titles)[CATERPILLAR] == "2003-03-03"
    assert messages(caplog, "titles/a.xlsx", "1 ISBNs have several titles or publication dates")


def test_a_list_among_the_exports_is_found_by_its_columns(ingest, caplog):
    caplog.set_level(logging.INFO)
    ingest.list_book("0 list.xlsx", {"F - Adult Fiction": [listed()]}, folder=ingest.sales)
    titles = ingest.run()
    assert dates(titles)[ALCHEMIST] == "1995-10-02"
    assert ingest.table("weekly_sales")["volume"].tolist() == [5, 3]
    assert ingest.table("import_table")["file"].tolist() == ["a.csv"]
    assert messages(caplog, "sheet F - Adult Fiction of 0 list.xlsx as a list of titles")


def test_a_sheet_of_titles_beside_sheets_of_sales_is_a_list(ingest):
    path = ingest.list_book("b.xlsx", {"ISBN List": [listed()]}, folder=ingest.sales)
    book = openpyxl.load_workbook(path)
    sales = book.create_sheet("F Adult Fiction", 0)
    sales.append(["ISBN", "Title", "End Date", "Volume"])
    sales.append([ALCHEMIST, "x", dt.date(2019, 3, 9), 7])
    hidden = book.create_sheet("Old")
    hidden.append(LIST)
    hidden.append(listed(published=dt.date(1950, 1, 1)))
    hidden.sheet_state = "hidden"
    book.save(path)
    titles = ingest.run()
    assert dates(titles)[ALCHEMIST] == "1995-10-02"
    assert ingest.table("weekly_sales")["volume"].tolist() == [5, 3, 7]
    assert titles.loc[ALCHEMIST, "product_class"] == "F Adult Fiction"


def test_an_export_whose_columns_are_unknown_is_no_list(ingest):
    weeks = [f"{ALCHEMIST},x,1995-10-02,{week},{week}" for week in range(30)]
    ingest.export("b.csv", *weeks, header="ISBN,Title,Publication Date,Sold in,Number")
    with pytest.raises(UserError, match=r"b\.csv cannot be used: it has no column Volume"):
        ingest.run()


def test_what_a_list_among_the_exports_has_besides_is_told(ingest, caplog):
    ingest.export("b.csv", f"{ALCHEMIST},x,1995-10-02,7", header="ISBN,Title,Pub Date,TW")
    ingest.run()
    assert messages(caplog, "Read b.csv as a list of titles", "passed over: TW")


def test_lists_alone_are_no_sales(ingest):
    (ingest.sales / "a.csv").unlink()
    ingest.export("b.csv", f"{ALCHEMIST},x,1995-10-02", header="ISBN,Title,Pub Date")
    with pytest.raises(UserError, match=r"no sales among the exports: b\.csv is a list"):
        ingest.run()


def test_sales_in_the_folder_of_lists_are_refused_by_name(ingest):
    ingest.list_csv("s.csv", "ISBN,End Date,Volume", f"{ALCHEMIST},02/03/2019,3")
    with pytest.raises(UserError, match=r"titles/s\.csv is no list of titles.*01_raw/sales"):
        ingest.run()


def test_a_file_without_the_columns_of_a_list_is_refused_with_the_columns_that_it_needs(ingest):
    ingest.list_csv("s.csv", "ISBN,Remark", f"{ALCHEMIST},x")
    with pytest.raises(UserError, match=r"titles/s\.csv cannot be used: a list of titles needs"):
        ingest.run()
    ingest.list_csv("s.csv", "Article,Out on", f"{ALCHEMIST},2020-01-02")
    titles = ingest.run(
        {"titles/s.csv": {"columns": {"isbn": "Article", "publication_date": "Out on"}}}
    )
    assert dates(titles)[ALCHEMIST] == "2020-01-02"


def test_an_empty_list_changes_nothing(ingest):
    ingest.list_book("l.xlsx", {"F": []})
    ingest.list_csv("l.csv", ",".join(LIST))
    assert ingest.run()["publication_date"].isna().all()
