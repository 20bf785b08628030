"""Runs the jobs of a workflow as GitHub would, with stand-ins for what reaches the network.

Scripts are run as they are, by ``bash -e``. Of the actions, only what they do with files is done.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Values = Mapping[str, str]

_EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
_CONDITION = re.compile(r"vars\.(\w+) (==|!=) '(\w*)'")


class ScriptFailed(Exception):
    """A script of a job ended with another status than 0. The message is what it printed."""


@dataclass
class Workflow:
    """One run of a workflow.

    Attributes:
        file: the workflow.
        source: what checkout brings.
        folder: for the jobs and what they leave.
        tools: stand-ins, found before everything else on the PATH.
        values: of expressions, such as ``vars.NAME``; a variable without one is empty.
        actions: action and inputs of each step that used one, by job.
    """

    file: Path
    source: Path
    folder: Path
    tools: Path
    values: Values
    actions: dict[str, list[tuple[str, dict[str, str]]]] = field(default_factory=dict)

    def run(self) -> list[str]:
        """Run every job after those that it needs. Returns the jobs that ran.

        Raises: ScriptFailed.
        """
        jobs: dict[str, Any] = yaml.safe_load(self.file.read_text(encoding="utf-8"))["jobs"]
        ran: list[str] = []
        skipped: set[str] = set()
        while left := [name for name in jobs if name not in {*ran, *skipped}]:
            for name in left:
                needs = jobs[name].get("needs", [])
                needs = {needs} if isinstance(needs, str) else set(needs)
                if needs & skipped or not self._holds(jobs[name].get("if", "always()")):
                    skipped.add(name)
                elif needs <= set(ran):
                    self._job(name, jobs[name])
                    ran.append(name)
        return ran

    def _holds(self, condition: str) -> bool:
        if condition == "always()":
            return True
        found = _CONDITION.fullmatch(condition)
        assert found, condition
        name, operator, value = found.groups()
        return (self.values.get(f"vars.{name}", "") == value) is (operator == "==")

    def _job(self, name: str, job: Mapping[str, Any]) -> None:
        workspace = self.folder / "jobs" / name
        workspace.mkdir(parents=True)
        outputs: dict[str, str] = {}
        failure: ScriptFailed | None = None
        for step in job["steps"]:
            if failure and step.get("if") != "always()":
                continue
            if "run" in step:
                try:
                    outputs |= self._script(workspace, step, outputs)
                except ScriptFailed as error:
                    failure = failure or error
            else:
                inputs = {key: str(value) for key, value in step.get("with", {}).items()}
                inputs = {key: self._resolved(value, outputs) for key, value in inputs.items()}
                action = step["uses"].partition("@")[0]
                self.actions.setdefault(name, []).append((action, inputs))
                self._act(action, inputs, workspace)
        if failure:
            raise failure

    def _script(self, workspace: Path, step: Mapping[str, Any], outputs: Values) -> dict[str, str]:
        """The outputs of a script, by the expression that gives them."""
        given = {key: self._resolved(value, outputs) for key, value in step.get("env", {}).items()}
        output = workspace.parent / f"{workspace.name}.output"
        output.write_text("")
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=workspace,
            env={
                **{key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ},
                "PATH": f"{self.tools}:{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(output),
                "GITHUB_SHA": "0" * 40,
                **given,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ScriptFailed(f"{step['run']}\n{done.stdout}{done.stderr}")
        pairs = (line.partition("=") for line in output.read_text().splitlines())
        return {f"steps.{step.get('id')}.outputs.{key}": value for key, _, value in pairs}

    def _resolved(self, text: str, outputs: Values) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("vars."):
                return self.values.get(name, "")
            return {**self.values, **outputs}[name]

        return _EXPRESSION.sub(value, text)

    def _act(self, action: str, inputs: Values, workspace: Path) -> None:
        artifacts = self.folder / "artifacts"
        match action:
            case "actions/checkout":
                shutil.copytree(self.source, workspace, dirs_exist_ok=True, symlinks=True)
            case "actions/upload-artifact":
                path, kept = workspace / inputs["path"], artifacts / inputs["name"]
                if path.is_dir():
                    shutil.copytree(path, kept)
                else:
                    kept.mkdir(parents=True)
                    shutil.copy(path, kept)
            case "actions/download-artifact":
                place = workspace / inputs.get("path", ".")
                shutil.copytree(artifacts / inputs["name"], place, dirs_exist_ok=True)
            case "actions/attest":
                for key in ("subject-path", "sbom-path"):
                    assert key not in inputs or list(workspace.glob(inputs[key])), inputs
            case "pypa/gh-action-pypi-publish":
                assert list((workspace / inputs["packages-dir"]).iterdir())
            case _:
                assert action == "actions/setup-python", action
