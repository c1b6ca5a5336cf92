"""Lets the backend of Kubeflow Pipelines compile every configuration to an Argo Workflow, and compares that with the settings.

    git clone --depth 1 --branch 2.17.0 https://github.com/kubeflow/pipelines
    python benchmarks/argo_workflows.py pipelines

Needs Go, in the version of the checkout's go.mod. GOFLAGS changes how the backend's compiler is built, for example to
`-modfile=FILE`. The first build downloads its modules and takes some minutes.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from default_run import machine, print_table

from pipelines.config import load_config
from pipelines.kubeflow.compile import compile_pipeline

CONFIGS = sorted(Path("pipelines/configs").glob("*.yaml"))
IMAGE = "registry.example/tfx-vae:1"
# One setting of every kind that a step can have.
FULL = (
    "kubeflow.image_pull_policy=IfNotPresent",
    "kubeflow.image_pull_secrets=[registry]",
    "kubeflow.every_step.memory=1.5Gi",
    "kubeflow.every_step.retries=3",
    "kubeflow.every_step.labels={team: vision}",
    "kubeflow.every_step.annotations={example.org/owner: Ada}",
    "kubeflow.every_step.node_selector={disk: fast}",
    "kubeflow.every_step.tolerations=[{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]",
    "kubeflow.steps.Trainer.timeout_seconds=7200",
    "kubeflow.steps.Trainer.gpu=1",
    "notify.command=cat",
)


def main() -> int:
    """Prints a row for each configuration; the exit status is 1 if one does not become what it says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path, help="of github.com/kubeflow/pipelines")
    checkout = parser.parse_args().checkout.resolve()
    logging.getLogger("absl").setLevel(logging.ERROR)
    rows: dict[str, dict[str, float]] = {name: {} for name in ("steps", "templates", "as configured")}
    with tempfile.TemporaryDirectory() as directory:
        compiler = build(checkout, Path(directory))
        for path in CONFIGS:
            for words, name in (((), path.stem), (FULL, f"{path.stem}, every setting")):
                package = Path(directory, "pipeline.yaml")
                compile_pipeline(load_config(path, [f"kubeflow.image={IMAGE}", *words], base=Path()), package)
                workflow = yaml.safe_load(subprocess.run([compiler, package], check=True, stdout=subprocess.PIPE).stdout)
                kept = kept_steps(package, workflow)
                rows["steps"][name] = len(kept)
                rows["templates"][name] = len(workflow["spec"]["templates"])
                rows["as configured"][name] = sum(kept.values())
    print(f"{date.today()}, {machine()}, Kubeflow Pipelines in {checkout}\n")
    print_table("configuration", rows, "{:.0f}")
    return int(rows["steps"] != rows["as configured"])


def build(checkout: Path, directory: Path) -> Path:
    """Builds `peers/argo_compiler.go` with the backend's packages; the checkout stays as it is.

    Args:
      checkout: Of Kubeflow Pipelines.
      directory: For the program.

    Returns:
      The program.
    """
    package = checkout / "backend/src/v2/cmd/compile_with_platform"
    overlay = directory / "overlay.json"
    overlay.write_text(
        json.dumps({"Replace": {str(package / "main.go"): str(Path(__file__).parent / "peers/argo_compiler.go")}})
    )
    program = directory / "argo_compiler"
    subprocess.run(
        ["go", "build", f"-overlay={overlay}", f"-o={program}", f"./{package.relative_to(checkout)}"], cwd=checkout, check=True
    )
    return program


def kept_steps(package: Path, workflow: dict[str, Any]) -> dict[str, bool]:
    """Whether the workflow has each step of a compiled pipeline, with all that the pipeline says about it.

    The backend's driver makes the pod of a step from the arguments that it gets in the workflow.

    Args:
      package: The compiled pipeline.
      workflow: What the backend made of it.
    """
    pipeline, platform = yaml.safe_load_all(package.read_text())
    executors = pipeline["deploymentSpec"]["executors"]
    placed = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    tasks = given_to_tasks(workflow)
    dags = [pipeline["root"], *pipeline["components"].values()]
    found = {}
    for name, task in (each for dag in dags for each in dag.get("dag", {"tasks": {}})["tasks"].items()):
        component = pipeline["components"][task["componentRef"]["name"]]
        if (label := component.get("executorLabel")) is None:
            continue
        driver, executor = tasks[f"{name}-driver"], tasks[name]
        # Components with the same container share one in the workflow, which has the label of the first.
        driver["component"]["executorLabel"] = label
        wanted = {
            "component": component,
            "task": task,
            "container": executors[label]["container"],
            "kubernetes-config": placed.get(label),
        }
        about_pod = placed.get(label, {}).get("podMetadata", {})
        words = [word for kind in ("labels", "annotations") for pair in about_pod.get(kind, {}).items() for word in pair]
        retries = task.get("retryPolicy", {}).get("maxRetryCount")
        found[name] = (
            all(driver.get(each) == value for each, value in wanted.items())
            and executor.get("retry-max-count") == retries
            and all(word in executor.values() for word in words)
        )
    return found


def given_to_tasks(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """For each task of a workflow its arguments, with those of the workflow put in, and JSON read."""
    whole = {
        f"{{{{workflow.parameters.{each['name']}}}}}": each["value"] for each in workflow["spec"]["arguments"]["parameters"]
    }
    return {
        task["name"]: {each["name"]: read(whole.get(each["value"], each["value"])) for each in task["arguments"]["parameters"]}
        for template in workflow["spec"]["templates"]
        for task in template.get("dag", {}).get("tasks", [])
        if "arguments" in task
    }


def read(text: str) -> Any:
    """JSON, or a text that is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


if __name__ == "__main__":
    sys.exit(main())
