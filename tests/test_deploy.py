"""What deploy/ grants is what docs/cloud.md says, and nothing of it is public."""

import re
from typing import Any

import hcl2
import pytest
import yaml

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
    assert asked == given | {"BOOK_FORECAST_IMAGE", "BOOK_FORECAST_TITLES"}
