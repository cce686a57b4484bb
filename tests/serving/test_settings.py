"""Which settings the service accepts."""

import pytest

from book_forecast.serving.settings import read_settings
from book_forecast.storage.errors import UserError

STORE = {"BOOK_FORECAST_RELEASES": "data/releases"}


def test_it_listens_at_loopback_unless_vertex_names_a_port():
    assert read_settings(STORE).host == "127.0.0.1"
    vertex = read_settings({**STORE, "AIP_HTTP_PORT": "9000"})
    assert (vertex.host, vertex.port) == ("0.0.0.0", 9000)


def test_it_listens_at_the_port_of_cloud_run_and_only_there():
    cloud_run = read_settings({**STORE, "PORT": "9000", "K_SERVICE": "books"})
    assert (cloud_run.host, cloud_run.port) == ("0.0.0.0", 9000)
    for variables in ({"PORT": "9000"}, {"K_SERVICE": "books"}, {"PORT": "", "K_SERVICE": "b"}):
        elsewhere = read_settings({**STORE, **variables})
        assert (elsewhere.host, elsewhere.port) == ("127.0.0.1", 8080)


def test_what_is_chosen_wins_over_cloud_run():
    variables = {**STORE, "PORT": "9000", "K_SERVICE": "books"}
    given = {"BOOK_FORECAST_SERVE_HOST": "127.0.0.1", "BOOK_FORECAST_SERVE_PORT": "80"}
    chosen = read_settings(variables | given)
    assert (chosen.host, chosen.port) == ("127.0.0.1", 80)
    assert read_settings(variables, port=81).port == 81


def test_the_command_line_wins_over_the_environment():
    variables = {**STORE, "AIP_HTTP_PORT": "9000", "BOOK_FORECAST_SERVE_HOST": "10.0.0.1"}
    settings = read_settings(variables, port=80, releases=None)
    assert (settings.host, settings.port, settings.releases) == ("10.0.0.1", 80, "data/releases")


def test_an_empty_variable_is_not_set():
    assert read_settings({**STORE, "BOOK_FORECAST_TOKEN": ""}).token is None


def test_the_token_is_not_shown():
    settings = read_settings({**STORE, "BOOK_FORECAST_TOKEN": "secret-token"})
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "set AIP_STORAGE_URI .* or BOOK_FORECAST_RELEASES"),
        ({**STORE, "BOOK_FORECAST_SERVE_MAX_BODDY": "1"}, "BOOK_FORECAST_SERVE_MAX_BODDY: Extra"),
        ({**STORE, "BOOK_FORECAST_SERVE_MAX_BODY": "10"}, "SERVE_MAX_BODY: .* 1000"),
        ({**STORE, "AIP_HTTP_PORT": "x"}, "AIP_HTTP_PORT: "),
        ({**STORE, "PORT": "x", "K_SERVICE": "books"}, "PORT: "),
        ({**STORE, "BOOK_FORECAST_SERVE_MAX_HORIZON": "105"}, "104"),
        ({**STORE, "BOOK_FORECAST_TOKEN": "short"}, "BOOK_FORECAST_TOKEN: .* 8"),
        (
            {**STORE, "BOOK_FORECAST_TOKEN": "short of nothing\n"},
            "BOOK_FORECAST_TOKEN: .* no blank",
        ),
        ({**STORE, "BOOK_FORECAST_TOKEN": "shortened-ü"}, "BOOK_FORECAST_TOKEN: .* ASCII"),
        ({**STORE, "AIP_HEALTH_ROUTE": "health"}, "AIP_HEALTH_ROUTE: "),
        ({**STORE, "AIP_PREDICT_ROUTE": "/{isbn}"}, "AIP_PREDICT_ROUTE: "),
    ],
)
def test_what_cannot_be_is_refused_by_name(variables, words):
    with pytest.raises(UserError, match=words) as refused:
        read_settings(variables)
    assert "short" not in str(refused.value)
