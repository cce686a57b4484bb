"""What a cached step depends on."""

from zenml_runner.caching import _code


def test_all_code_of_the_project_counts_and_none_of_hidden_folders(tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / ".venv").mkdir()
    module = tmp_path / "tiny" / "nodes.py"
    module.write_text("a = 1\n")
    before = _code(tmp_path)
    (tmp_path / ".venv" / "other.py").write_text("b = 1\n")
    assert _code(tmp_path) == before
    module.write_text("a = 2\n")
    assert _code(tmp_path) != before
