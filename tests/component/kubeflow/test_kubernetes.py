"""The manifests, and the commands of the documentation, on Kubernetes' own API server: what it refuses, a cluster refuses."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import servers

PROJECT = Path(__file__).parents[3]

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """Runs commands in a cluster; the namespaces team-a and team-b have the pod security standard `restricted`."""
    with servers.kubernetes() as config:

        def run(*lines: str) -> "subprocess.CompletedProcess[str]":
            script = "\n".join(("set -euo pipefail", *lines))
            environment = os.environ | {"KUBECONFIG": str(config)}
            done = subprocess.run(
                ["bash", "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            return done

        run(*(f"kubectl create namespace {name}" for name in ("kubeflow", "team-a", "team-b")))
        run("kubectl label namespace team-a team-b pod-security.kubernetes.io/{enforce,warn}=restricted")
        yield run


@pytest.mark.parametrize("directory", ["kubeflow", "kubeflow-profile", "serving", "serving-canary"])
def test_everything_can_be_applied_and_applied_again(directory: str, shell: Shell):
    apply = f"kubectl apply --validate=strict -k deploy/{directory}"
    assert shell(apply).stderr == ""  # where pod security would refuse a pod of a Job or a Deployment, it warns
    assert shell(f"kubectl diff -k deploy/{directory}", apply).stdout.count("created") == 0


def test_pod_security_refuses_root_which_the_overlay_for_profiles_avoids(shell: Shell):
    warned = shell("kubectl -n team-b apply --dry-run=server -f deploy/kubeflow/volume.yaml").stderr
    assert 'would violate PodSecurity "restricted' in warned
    shell("kubectl apply -k deploy/kubeflow-profile", "kubectl -n team-a apply -f deploy/kubeflow/shell.yaml")


def test_the_commands_of_the_documentation_are_carried_out(shell: Shell):
    text = (PROJECT / "docs" / "kubeflow.md").read_text().replace("\\\n", " ")
    # Not those that wait for pods, or need them.
    commands = r"export NEW_PASSWORD=|kubectl apply -k|kubectl -n kubeflow (create secret|patch|apply)"
    found = [line for line in text.splitlines() if re.match(commands, line)]
    password = shell(*found, 'echo "$NEW_PASSWORD"').stdout.splitlines()[-1]
    secret = json.loads(shell("kubectl -n kubeflow get secret tfx-vae-metadata -o json").stdout)
    assert {name: base64.b64decode(value).decode() for name, value in secret["data"].items()} == {
        "url": "mysql://tfx@tfx-vae-metadata:3306/mlmd",
        "password": password,
    }
    account = shell("kubectl -n kubeflow get serviceaccount tfx-vae -o jsonpath='{.imagePullSecrets[*].name}'").stdout
    assert account == "tfx-vae-registry"
