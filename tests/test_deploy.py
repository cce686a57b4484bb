"""What deploy/ grants is what docs/cloud.md says, and nothing of it is public."""

import re
import shutil
import subprocess
from typing import Any

import click
import hcl2
import pytest
import yaml
from google.cloud import run_v2

from book_forecast.cli.deploy import deploy
from book_forecast.releases.cloud_run import RELEASES, STOCK, new_service
from book_forecast.releases.deployment import COMMAND

PUBLIC = re.compile(r"\ball(Authenticated)?Users\b")


def plain(value: Any) -> Any:
    """Values without the quotation marks that the parser leaves on texts and names."""
    if isinstance(value, dict):
        return {
            plain(k): plain(v)
            for k, v in value.items()
            if k not in {"__is_block__", "__comments__"}
        }
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.removeprefix('"').removesuffix('"') if isinstance(value, str) else value


@pytest.fixture(scope="module")
def terraform(project_path):
    """The parsed files, one list of blocks for each kind."""
    blocks: dict[str, list] = {}
    for path in sorted((project_path / "deploy").glob("*.tf")):
        for kind, found in plain(hcl2.loads(path.read_text())).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


@pytest.fixture(scope="module")
def resources(terraform):
    return {
        (kind, name): body
        for block in terraform["resource"]
        for kind, named in block.items()
        for name, body in named.items()
    }


@pytest.fixture(scope="module")
def named_roles(terraform):
    """The roles of the two tables of roles: account, what on, role."""
    tables = {key: value for block in terraform["locals"] for key, value in block.items()}
    return {
        (entry["account"], entry.get("bucket", "project"), entry["role"])
        for key in ("bucket_roles", "project_roles")
        for entry in tables[key].values()
    }


@pytest.fixture(scope="module")
def page(project_path):
    return (project_path / "docs/cloud.md").read_text()


def test_every_reference_is_declared(terraform, resources):
    text = str(terraform)
    variables = {name for block in terraform["variable"] for name in block}
    assert set(re.findall(r"\bvar\.(\w+)", text)) == variables
    local = {name for block in terraform["locals"] for name in block}
    assert set(re.findall(r"\blocal\.(\w+)", text)) == local
    assert set(re.findall(r"\b(google_\w+)\.(\w+)", text)) <= set(resources)


def test_what_is_left_out_is_compared_with_its_own_default(project_path, terraform):
    defaults = {
        name: body["default"]
        for block in terraform["variable"]
        for name, body in block.items()
        if "default" in body
    }
    texts = [path.read_text() for path in (project_path / "deploy").glob("*.tf")]
    compared = [
        pair for text in texts for pair in re.findall(r'var\.(\w+) [=!]= ("\w*"|\w+)', text)
    ]
    assert {name for name, _ in compared} == {"mlflow_image", "serving_image", "vertex_endpoint"}
    for name, value in compared:
        assert value.strip('"') == defaults[name], name


def test_the_page_lists_the_granted_roles(page, named_roles, resources):
    rows = re.findall(r"^\| (\w+) \| `(roles/[\w.]+)` \| ([^|]+) \|", page, re.MULTILINE)
    granted_in_docs = {(account, role) for account, role, _ in rows}
    assert {(account, role) for account, _, role in named_roles} <= granted_in_docs
    granted = {body["role"] for body in resources.values() if "role" in body}
    granted -= {"${each.value.role}"}
    assert len(granted) > 3
    assert {role for _, role in granted_in_docs} == granted | {role for _, _, role in named_roles}


def test_buckets_are_private_and_data_can_be_restored(resources):
    buckets = [body for (kind, _), body in resources.items() if kind == "google_storage_bucket"]
    assert buckets
    for bucket in buckets:
        assert bucket["uniform_bucket_level_access"] is True
        assert bucket["public_access_prevention"] == "enforced"
        assert "force_destroy" not in bucket
    assert any(b["versioning"][0]["enabled"] == '${each.value == "data"}' for b in buckets)


def test_there_are_no_public_members_and_no_key_files(terraform, resources):
    assert not PUBLIC.search(str(terraform))
    kinds = {kind for kind, _ in resources}
    assert "google_service_account_key" not in kinds
    # Bindings and policies would take away what others have been granted.
    assert not [kind for kind in kinds if kind.endswith(("_iam_binding", "_iam_policy"))]
    database = resources["google_sql_database_instance", "mlflow"]["settings"][0]
    assert "authorized_networks" not in str(database)
    assert resources["google_sql_database_instance", "mlflow"]["deletion_protection"] is True


def test_the_password_is_in_no_state_file(terraform, resources):
    assert [block for block in terraform["ephemeral"] if "random_password" in block]
    holders = {
        kind: [key for key, value in body.items() if "random_password" in str(value)]
        for (kind, _), body in resources.items()
        if "random_password" in str(body)
    }
    assert holders == {
        "google_sql_user": ["password_wo"],
        "google_secret_manager_secret_version": ["secret_data_wo"],
    }
    service = str(resources["google_cloud_run_v2_service", "mlflow"])
    assert "secret_key_ref" in service
    assert "random_password" not in service


def test_the_shell_gets_every_variable_that_production_reads(project_path, terraform):
    folder = project_path / "conf/production"
    texts = [path.read_text() for path in folder.glob("*.yml")]
    for text in texts:
        yaml.safe_load(text)
    asked = {
        name for text in texts for name in re.findall(r"\$\{(?:oc\.env|gs_bucket):(\w+)", text)
    }
    output = next(block for block in terraform["output"] if "environment" in block)
    given = set(re.findall(r"(\w+) = ", output["environment"]["value"]))
    # conf/bigquery has the same steps; Terraform knows nothing of its tables.
    asked = {name for name in asked if not name.startswith("BOOK_FORECAST_BIGQUERY_")}
    # The image is made after the registry; the number of titles is an operator's choice.
    only_in_the_shell = {"BOOK_FORECAST_IMAGE", "BOOK_FORECAST_TITLES"}
    of_a_command = {"BOOK_FORECAST_SERVING_ACCOUNT"}
    assert asked | of_a_command == given | only_in_the_shell
    options = {name for option in deploy.params for name in _variables_of(option)}
    assert of_a_command <= options


def _variables_of(option: click.Parameter) -> list[str]:
    named = option.envvar or []
    return [named] if isinstance(named, str) else list(named)


def test_the_service_of_terraform_is_the_one_that_a_deployment_makes(resources):
    template = resources["google_cloud_run_v2_service", "serving"]["template"][0]
    (container,) = template["containers"]
    new = new_service(run_v2).template
    (made,) = new.containers
    assert (*container["command"], *container["args"]) == COMMAND
    assert container["ports"][0]["container_port"] == made.ports[0].container_port
    assert {one["name"] for one in container["env"]} == {RELEASES, STOCK}
    for probe in ("startup_probe", "liveness_probe"):
        ours, theirs = container[probe][0], getattr(made, probe)
        assert ours["http_get"][0]["path"] == theirs.http_get.path
        assert ours["period_seconds"] == theirs.period_seconds
        assert ours["failure_threshold"] == theirs.failure_threshold
    limits = made.resources
    assert container["resources"][0]["limits"] == dict(limits.limits)
    assert container["resources"][0]["cpu_idle"] is limits.cpu_idle is False
    assert template["scaling"][0]["max_instance_count"] == new.scaling.max_instance_count


def test_the_service_cannot_change_what_it_reads(named_roles):
    of_serving = {(on, role) for account, on, role in named_roles if account == "serving"}
    assert of_serving == {
        ("data", "roles/storage.objectViewer"),
        ("data", "roles/storage.objectCreator"),
        ("project", "roles/logging.logWriter"),
    }


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on the path")
def test_terraform_reads_the_files_and_has_nothing_to_format(project_path):
    """Its own `validate` needs the providers: it is asked where somebody has fetched them."""
    folder = project_path / "deploy"
    commands = [["fmt", "-check", "-diff"]]
    if (folder / ".terraform").exists():
        commands.append(["validate", "-no-color"])
    for command in commands:
        done = subprocess.run(
            ["terraform", f"-chdir={folder}", *command], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
