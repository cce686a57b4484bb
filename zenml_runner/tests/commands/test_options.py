"""How the command line is read."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from zenml_runner.commands import zenml
from zenml_runner.commands.options import NumberOrAuto, names, parameters
from zenml_runner.redaction import public, without_secrets

CONTEXT = click.Context(zenml)
OPTION = click.Option(["--params"])


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        ((), {}),
        (("a=1,b=x",), {"a": 1, "b": "x"}),
        (("a=1.5", "b=true", "c=null"), {"a": 1.5, "b": True, "c": None}),
        (("a.b=2,a.c=3",), {"a": {"b": 2, "c": 3}}),
        (("titles=A,B,horizon=8",), {"titles": "A,B", "horizon": 8}),
        (("isbn=0722532938",), {"isbn": "0722532938"}),
        (("url=gs://bucket/a=b",), {"url": "gs://bucket/a=b"}),
        (("a=[1,2]",), {"a": [1, 2]}),
        (("max-trials=3,größe=4",), {"max-trials": 3, "größe": 4}),
        (("note='@home, [x'",), {"note": "@home, [x"}),
    ],
)
def test_parameters_have_types(texts, values):
    assert parameters(CONTEXT, OPTION, texts) == values


def test_a_parameter_without_a_name_is_refused():
    with pytest.raises(click.BadParameter, match="has no name"):
        parameters(CONTEXT, OPTION, ("8",))


@pytest.mark.parametrize("text", ["a=[1,2", "a=@home", "b=1,a=*"])
def test_a_value_that_cannot_be_read_is_refused_by_its_name(text):
    done = CliRunner().invoke(zenml, ["run", "--params", text])
    assert done.exit_code == 2
    assert "the value of a, " in done.output
    assert "put it in quotes, a='" in done.output


def test_names_may_hold_commas_in_brackets():
    given = "clean,fit([a,b]) -> [c],report"
    assert names(CONTEXT, OPTION, given) == ("clean", "fit([a,b]) -> [c]", "report")


def test_an_unknown_option_is_refused_with_the_nearest():
    done = CliRunner().invoke(zenml, ["run", "--pipelin", "x"])
    assert done.exit_code == 2
    assert "--pipeline" in done.output


def test_secrets_are_starred_wherever_they_stand():
    document = {
        "params": {"api_key": "k", "nested": [{"db_password": 1}], "tokens_per_week": 3},
        "uri": "postgresql://user:word@host/db",
        "mlflow": {"secret": "name-of-a-zenml-secret"},
    }
    assert without_secrets(document) == {
        "params": {"api_key": "***", "nested": [{"db_password": "***"}], "tokens_per_week": "***"},
        "uri": "postgresql://***@host/db",
        "mlflow": {"secret": "name-of-a-zenml-secret"},
    }


def test_an_address_is_shown_without_its_password_and_signature():
    assert public("https://user:word@host/a.csv?sig=abc") == "https://***@host/a.csv"
    assert public("gs://bucket/a.csv") == "gs://bucket/a.csv"


def test_help_waits_for_no_library():
    code = (
        "import sys, zenml_runner.commands;"
        "print({'zenml', 'kedro', 'mlflow', 'pandas', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_shards_are_a_number_within_limits_or_auto():
    kind = NumberOrAuto(1, 1000)
    assert kind.convert("16", None, None) == 16
    assert kind.convert("auto", None, None) == "auto"
    with pytest.raises(click.BadParameter, match="not in the range 1<=x<=1000"):
        kind.convert("0", None, None)
    with pytest.raises(click.BadParameter, match="not a valid integer range or auto"):
        kind.convert("many", None, None)
