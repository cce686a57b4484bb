"""The content of the container images."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths  # type: ignore[import-untyped]

from book_forecast.storage.revision import REVISION_VARIABLE

IMAGES = ("Dockerfile", "deploy/mlflow.Dockerfile")
SECRET = re.compile(r"(?i)token|password|secret|credential|api_?key")


def instructions(path: Path) -> list[tuple[str, str]]:
    """Instructions with their arguments, without comments and continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, re.sub(r"\s+", " ", rest).strip())
        for word, _, rest in (line.partition(" ") for line in text.splitlines() if line.strip())
    ]


def stages(path: Path) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions(path):
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def environment(stage: list[tuple[str, str]]) -> dict[str, str]:
    pairs = " ".join(rest for word, rest in stage if word == "ENV")
    return dict(re.findall(r"(\w+)=(\S*)", pairs))


def context(folder: Path, project: Path) -> set[str]:
    """Files of a folder that are in the build context."""
    patterns = [
        line
        for line in (project / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    return {str(Path(name)) for name in exclude_paths(str(folder), patterns)}


@pytest.fixture(params=IMAGES)
def image(request, project_path):
    return stages(project_path / request.param)


@pytest.fixture
def final(project_path):
    return stages(project_path / "Dockerfile")[-1]


def test_copied_files_exist_and_are_in_the_build_context(image, project_path):
    sent = context(project_path, project_path)
    copied = [
        source
        for stage in image
        for word, rest in stage
        if word == "COPY" and "--from=" not in rest
        for source in rest.split()[:-1]
    ]
    assert "constraints.txt" in copied
    for source in copied:
        assert (project_path / source).exists(), source
        assert any(name == source or name.startswith(f"{source}/") for name in sent), source


def test_all_code_and_configuration_is_in_the_build_context(project_path):
    sent = context(project_path, project_path)
    wanted = [
        path.relative_to(project_path)
        for folder in ("src", "zenml_runner/src", "conf/base", "conf/bigquery", "conf/production")
        for kind in ("*.py", "*.yml", "*.json", "*.sql", "*.typed")
        for path in (project_path / folder).rglob(kind)
        if ".egg-info" not in str(path) and not path.name.startswith("credentials")
    ]
    assert len(wanted) > 50
    assert [path for path in wanted if str(path) not in sent] == []


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "conf/base/credentials.yml",
        "conf/local/parameters.yml",
        "conf/production/credentials_bucket.yml",
        "conf/production/books-pipeline.json",
        "data/01_raw/sales/export.xlsx",
        "deploy/terraform.tfstate",
        "mlruns/mlflow.db",
        "notebooks/explore.ipynb",
        "src/book_forecast/client_secret.json",
        "src/book_forecast/__pycache__/cli.cpython-311.pyc",
        "tests/conftest.py",
        "zenml_runner/tests/conftest.py",
        "zenml_runner/.env.production",
        "zenml_runner/server.pem",
    ],
)
def test_data_history_and_credentials_stay_out(name, tmp_path, project_path):
    for file in (name, "src/book_forecast/cli/__init__.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    sent = context(tmp_path, project_path)
    assert "src/book_forecast/cli/__init__.py" in sent
    assert name not in sent


def test_packages_have_the_versions_of_the_constraints(image, project_path):
    pinned = {
        line.partition("==")[0]
        for line in (project_path / "constraints.txt").read_text().splitlines()
    }
    installs = [
        rest for stage in image for word, rest in stage if word == "RUN" and " install " in rest
    ]
    assert len(installs) == 1
    assert re.search(r"--constraint (/tmp/)?constraints\.txt", installs[0])
    assert "--no-cache-dir" in installs[0]
    # What is named beside the project is pinned there too, or on the spot.
    after = installs[0].partition("constraints.txt")[2].partition("&&")[0]
    for package in re.findall(r"(?<!\S)[a-z][\w-]*(?:==\S+)?", after):
        assert package in pinned or "==" in package


def test_the_project_supports_the_python_version(image, project_path):
    takes = tomllib.loads((project_path / "pyproject.toml").read_text())["project"]
    bases = {rest.split()[0] for stage in image for word, rest in stage if word == "FROM"}
    assert len(bases) == 1
    version = re.fullmatch(r"python:3\.(\d+)-slim-\w+", bases.pop())
    assert version
    low, high = map(int, re.findall(r"3\.(\d+)", takes["requires-python"]))
    assert low <= int(version[1]) < high


def test_the_user_is_not_root_and_there_is_no_entrypoint(image):
    last = dict(image[-1])
    user = int(last["USER"])
    assert user > 0
    assert any(f"useradd --uid {user}" in rest for word, rest in image[-1] if word == "RUN")
    assert "ENTRYPOINT" not in last
    assert isinstance(json.loads(last["CMD"]), list)


def test_no_variable_or_argument_is_a_secret(image):
    for stage in image:
        names = {*environment(stage), *(rest for word, rest in stage if word == "ARG")}
        assert [name for name in names if SECRET.search(name)] == []


def test_build_tools_are_not_in_the_image(final):
    assert not [rest for word, rest in final if word == "RUN" and re.search(r"\bpip\b|apt", rest)]
    assert all("--from=build" in rest for word, rest in final if word == "COPY")


def test_kernels_are_loaded_for_the_processor_they_were_compiled_for(project_path):
    build, final = stages(project_path / "Dockerfile")
    compiled = {k: v for k, v in environment(build).items() if k.startswith("NUMBA_")}
    assert "NUMBA_CPU_NAME" in compiled
    assert compiled.items() <= environment(final).items()
    folder = compiled["NUMBA_CACHE_DIR"]
    owner = f"--chown={dict(final)['USER']} {folder} {folder}"
    assert any(owner in rest for word, rest in final if word == "COPY")


def test_steps_find_the_project_and_send_no_telemetry(final):
    given = environment(final)
    folder = dict(final)["WORKDIR"]
    assert given["ZENML_RUNNER_PROJECT"] == folder
    assert given["ZENML_CONFIG_PATH"].startswith(f"{folder}/")
    assert any(f"chown app {folder}" in rest for word, rest in final if word == "RUN")
    assert given["KEDRO_DISABLE_TELEMETRY"] == given["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert given["ZENML_ANALYTICS_OPT_IN"] == "false"
    assert given["DO_NOT_TRACK"] == "1"


def test_the_image_does_not_set_how_mlflow_authenticates(final):
    assert not [name for name in environment(final) if name.startswith("MLFLOW_TRACKING")]


def test_the_revision_reaches_the_tracker(final):
    assert any(word == "ARG" and rest.startswith(f"{REVISION_VARIABLE}=") for word, rest in final)
    assert environment(final)[REVISION_VARIABLE] == f"${REVISION_VARIABLE}"
