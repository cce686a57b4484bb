"""The index of titles."""

from unittest.mock import Mock

import numpy as np

from book_forecast.payload.contents import read_payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.serving.titles import words as words_module
from book_forecast.serving.titles.catalogue import Catalogue, Selection
from book_forecast.serving.titles.words import folded, words_of
from tests.releases import payloads


def test_punctuation_does_not_count():
    assert folded("Captain Corelli\u2019s “Mandolin” – O.K.") == "captain corellis mandolin ok"
    assert folded("Æsop, Łukasz; Straße") == "aesop lukasz strasse"
    assert words_of("978-0-14") == ["978014"]
    assert words_of("  ") == []


def test_a_search_neither_folds_nor_sorts_the_titles_anew(tmp_path, monkeypatch):
    """Ten thousand of them would take a tenth of a second each time."""
    folder = payloads.write(tmp_path / "many", titles=1000, weeks=4)
    catalogue = Catalogue(ForecastReader(read_payload(folder)))
    fold, sort = Mock(wraps=folded), Mock(wraps=np.lexsort)
    monkeypatch.setattr(words_module, "folded", fold)
    monkeypatch.setattr(np, "lexsort", sort)
    for _ in range(3):
        found = catalogue.find(Selection("author 3 book 7"))
        assert len(catalogue.ordered(found, "volume", None)) > 15
    assert [call.args for call in fold.call_args_list] == [("author 3 book 7",)] * 3
    assert sort.call_count == 1
