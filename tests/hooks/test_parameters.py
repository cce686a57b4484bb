import logging
import shutil

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project


def test_files_in_conf_local_are_reported_because_nothing_reads_them(
    project_path, tmp_path, caplog
):
    bootstrap_project(project_path)
    conf = shutil.copytree(project_path / "conf", tmp_path / "conf")
    (conf / "local").mkdir(exist_ok=True)
    session = KedroSession.create(project_path, conf_source=str(conf), save_on_close=False)
    with caplog.at_level(logging.WARNING):
        session.load_context()
        assert "conf/local" not in caplog.text
        (conf / "local" / "parameters.yml").write_text("exports: {}\n")
        session.load_context()
    assert "conf/local is not read" in caplog.text
