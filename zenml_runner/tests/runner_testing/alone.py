"""A run on the local stack without the command around it: each step opens its own session."""

ALONE = """
from pathlib import Path
from zenml_runner.stacks import registration as stacks
from zenml_runner.commands.prepare import prepare
from zenml_runner.translation import to_zenml

prepared = prepare(Path.cwd(), "__default__", None, None, {}, None)
Path("record.jsonl").unlink()
name, _ = stacks.register(prepared.project, "local", prepared.stack)
stacks.activate(name)
to_zenml(prepared.plan, prepared.settings, prepared.target, run_name="alone", key="1")()
"""
