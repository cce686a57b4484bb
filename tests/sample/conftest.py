import pandas as pd
import pytest

from book_forecast.sample import sample_frame
from book_forecast.sample.weeks import SampleWeeks, sample_weeks


@pytest.fixture(scope="session")
def sales() -> pd.DataFrame:
    """The default sample in memory."""
    return sample_frame()


@pytest.fixture(scope="session")
def weeks() -> SampleWeeks:
    return sample_weeks()


@pytest.fixture(scope="session")
def volumes(sales: pd.DataFrame) -> pd.DataFrame:
    """Copies per week (rows) and title name (columns), NaN where there is no row."""
    wide = sales.pivot_table(index="End Date", columns="Title", values="Volume")
    return wide.reindex(pd.date_range("2012-01-07", "2024-06-29", freq="7D"))
