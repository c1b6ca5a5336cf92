"""KFP's own local runner, on a pipeline that the command compiled."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from support.workplace import PROJECT, SMOKE, Workplace

_RUN = """
import json, sys
from kfp import components, local
sys.executable = sys.argv[4]  # what KFP's runner puts in the place of python3
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[2], raise_on_error=True)
components.load_component_from_file(sys.argv[1])(**json.loads(sys.argv[3]))
"""


_NOTIFY = """
import sys
from pipelines.kubeflow.steps import run_notification
run_notification(run_id=sys.argv[1], configuration=sys.argv[2])
"""


class LocalKubeflow:
    """Compiles the smoke pipeline once, and runs what was compiled.

    Attributes:
      workplace: Where the runs are.
      package: The compiled pipeline.
      nodes: The names of its steps.
    """

    def __init__(
        self, workplace: Workplace, variables: Mapping[str, str], python: Path, directory: Path, *settings: str
    ) -> None:
        """Compiles it.

        Args:
          workplace: Where the runs will be.
          variables: Environment variables of every command and every step.
          python: What each step runs in.
          directory: For the compiled pipeline, and what KFP itself writes.
          settings: Of the pipeline.
        """
        self.workplace = workplace
        self.package = directory / "pipeline.yaml"
        self._python = python
        self._directory = directory
        self._environment = {**workplace.environment(), **variables, "TF_CPP_MIN_LOG_LEVEL": "3"}
        # Nothing is mounted: all processes share this machine's disk.
        settings = (*settings, f"data.data_dir={workplace.root.parent / 'datasets'}", "kubeflow.volume_claim=null")
        sets = [part for setting in settings for part in ("--set", setting)]
        self.tfx_vae("kubeflow", "compile", *sets, "--image", "python-tfx-vae:test", "-o", str(self.package))
        pipeline = next(yaml.safe_load_all(self.package.read_text()))
        self._configuration = json.loads(pipeline["root"]["inputDefinitions"]["parameters"]["configuration"]["defaultValue"])
        self.nodes = {task["taskInfo"]["name"] for task in pipeline["root"]["dag"]["tasks"].values()}

    def run(self, **parameters: object) -> None:
        """Runs the whole pipeline; KFP's local runner takes one step after the other."""
        arguments = [str(self.package), str(self._directory / "artifacts"), json.dumps(parameters), str(self._python)]
        self._call([sys.executable, "-W", "ignore", "-c", _RUN, *arguments])

    def start(self, pipeline: str, run_id: str, *nodes: str) -> list[subprocess.Popen[bytes]]:
        """Starts steps of another pipeline, all at once as a cluster would."""
        configuration = json.dumps({**self._configuration, "name": pipeline})
        shared = ["--run-id", run_id, "--configuration", configuration, "--epochs", "1", "--latent-dim", "2", "--beta", "1"]
        command = [str(self._python), "-m", "pipelines.kubeflow.node", *shared]
        return [subprocess.Popen([*command, "--node", node], cwd=PROJECT, env=self._environment) for node in nodes]

    def outputs(self, node: str) -> dict[str, Any]:
        """The outputs of a step in the first run, as KFP's launcher reads them: by name, its schema, URI and metadata."""
        [file, *_] = sorted((self._directory / "artifacts").glob(f"*/{node.lower()}/executor_output.json"))
        written = json.loads(file.read_text())["artifacts"]
        return {name: found["artifacts"][0] for name, found in written.items()}

    def notify(self, run_id: str, **notify: object) -> None:
        """What the last step of a run does; KFP's local runner cannot run exit handlers."""
        configuration = json.dumps({**self._configuration, "notify": notify})
        self._call([sys.executable, "-c", _NOTIFY, run_id, configuration])

    def ask(self, *words: str) -> dict[str, Any]:
        """What a command of `tfx-vae` says about the runs."""
        answer: dict[str, Any] = json.loads(self.tfx_vae(*words, "--json"))
        return answer

    def tfx_vae(self, *words: str) -> str:
        """What a command prints."""
        here = ["--config", str(SMOKE), "--set", f"runtime.root={self.workplace.root}"]
        return self._call([*self.workplace.program, *words, *here])

    def _call(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=PROJECT, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
        return done.stdout
