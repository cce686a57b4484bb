"""`python -m zenml_runner`: the commands for any Kedro project."""

from zenml_runner.commands import zenml

if __name__ == "__main__":
    zenml(prog_name="python -m zenml_runner")
