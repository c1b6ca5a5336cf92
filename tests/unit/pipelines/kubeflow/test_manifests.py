"""The manifests that are applied to the cluster once."""

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from pipelines.config import load_config
from pipelines.kubeflow.config import KubeflowConfig
from pipelines.kubeflow.parameters import as_text, configuration
from pipelines.mlmd.location import PASSWORD_VARIABLE, URL_VARIABLE, parse_url

PROJECT = Path(__file__).parents[4]
DEPLOY = PROJECT / "deploy" / "kubeflow"
SERVING = PROJECT / "deploy" / "serving"
MANIFESTS = sorted(path for path in DEPLOY.glob("*.yaml") if path.name != "kustomization.yaml")
VERSIONS = ("1.27", "1.32")
# `kubectl apply -k` contains kustomize.
KUSTOMIZE = next((words for words in (["kustomize", "build"], ["kubectl", "kustomize"]) if shutil.which(words[0])), None)


def documents() -> list[dict[str, Any]]:
    paths = [*MANIFESTS, SERVING / "tensorflow-serving.yaml"]
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


def named(kind: str, name: str) -> dict[str, Any]:
    [found] = [item for item in documents() if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", documents(), ids=lambda item: f"{item['kind']}-{item['metadata']['name']}")
def test_kubernetes_knows_every_field(document: dict[str, Any], version: str):
    kubernetes_validate.validate(document, version, strict=True)


def test_the_validator_refuses_what_kubernetes_does_not_know():
    document = named("Service", "tfx-vae-metadata")
    document["spec"]["port"] = 3306
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[0], strict=True)


def test_kustomize_applies_all_of_them_but_the_pod_that_is_there_only_while_it_is_needed():
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "shell.yaml"]) == [path.name for path in MANIFESTS]


def test_the_pod_finds_the_volume_and_the_database_as_a_step_does():
    defaults = KubeflowConfig()
    shell = named("Pod", "tfx-vae-shell")["spec"]
    [container] = shell["containers"]
    assert {item["name"]: item["valueFrom"]["secretKeyRef"] for item in container["env"]} == {
        URL_VARIABLE: {"name": defaults.metadata_secret, "key": "url"},
        PASSWORD_VARIABLE: {"name": defaults.metadata_secret, "key": "password"},
    }
    assert container["volumeMounts"][0]["mountPath"] == str(defaults.mount_path)
    assert shell["volumes"][0]["persistentVolumeClaim"]["claimName"] == defaults.volume_claim
    assert shell["serviceAccountName"] == defaults.service_account


def test_the_compiled_pipeline_finds_what_is_applied():
    defaults = KubeflowConfig()
    claim = named("PersistentVolumeClaim", str(defaults.volume_claim))
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert named("ServiceAccount", str(defaults.service_account))
    binding = named("RoleBinding", "tfx-vae")
    assert binding["subjects"][0]["name"] == defaults.service_account
    assert named("Role", binding["roleRef"]["name"])
    database = named("StatefulSet", "tfx-vae-metadata")["spec"]["template"]["spec"]["containers"][0]
    [password] = [item for item in database["env"] if item["name"] == "MARIADB_PASSWORD"]
    assert password["valueFrom"]["secretKeyRef"] == {"name": defaults.metadata_secret, "key": "password"}


def test_steps_may_report_how_they_ended_and_read_what_is_named_and_nothing_else():
    rules = named("Role", "tfx-vae")["rules"]
    assert {verb for rule in rules for verb in rule["verbs"]} == {"create", "patch", "get"}
    assert [rule["resources"] for rule in rules if {"create", "patch"} & set(rule["verbs"])] == [["workflowtaskresults"]]
    assert all(rule.get("resourceNames") for rule in rules if {"secrets", "configmaps"} & set(rule["resources"]))


def test_the_secret_of_the_documentation_fits_the_database_that_is_applied():
    [url] = re.findall(r"--from-literal=url=(\S+)", (PROJECT / "docs" / "kubeflow.md").read_text())
    location = parse_url(url)
    service = named("Service", location.host)
    assert [port["port"] for port in service["spec"]["ports"]] == [location.port]
    [container] = named("StatefulSet", "tfx-vae-metadata")["spec"]["template"]["spec"]["containers"]
    given = {item["name"]: item.get("value") for item in container["env"]}
    assert (given["MARIADB_USER"], given["MARIADB_DATABASE"]) == (location.user, location.database)


def test_no_manifest_holds_a_password():
    assert not [item for item in documents() if item["kind"] == "Secret"]
    values = [
        item.get("value", "")
        for document in documents()
        if document["kind"] == "StatefulSet"
        for container in document["spec"]["template"]["spec"]["containers"]
        for item in container["env"]
        if "PASSWORD" in item["name"]
    ]
    assert set(values) <= {"", "1"}


def test_the_volume_belongs_to_whom_the_image_runs_as():
    [chown] = named("Job", "tfx-vae-volume-owner")["spec"]["template"]["spec"]["containers"]
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert "\nUSER 10001\n" in dockerfile
    assert named("Pod", "tfx-vae-shell")["spec"]["securityContext"]["runAsUser"] == 10001
    assert chown["command"][:2] == ["chown", "10001:10001"]
    # Kubernetes refuses to change a Job, so an edited one is applied when the first is gone.
    assert named("Job", "tfx-vae-volume-owner")["spec"]["ttlSecondsAfterFinished"] == 600


def test_the_server_reads_what_a_step_pushes_and_cannot_change_it():
    defaults = KubeflowConfig()
    pod = named("Deployment", "tfx-vae-serving")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    mounted = {item["name"]: item for item in container["volumeMounts"]}
    assert (mounted["tfx-vae"]["mountPath"], mounted["tfx-vae"]["readOnly"]) == (str(defaults.mount_path), True)
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == defaults.volume_claim
    pushed = configuration(as_text(load_config(PROJECT / "pipelines/configs/mnist_vae.yaml", base=Path())), None)
    for models in (SERVING / "models.config", PROJECT / "deploy/serving-canary/models.config"):
        config = models.read_text()
        assert re.findall(r'base_path: "(.*)"', config) == [str(pushed.serving_dir)]
        assert re.findall(r' name: "(.*)"', config) == [pushed.name]
    assert container["readinessProbe"]["httpGet"]["path"] == f"/v1/models/{pushed.name}"
    kserve = yaml.safe_load((SERVING / "kserve.yaml").read_text())["spec"]["predictor"]["model"]
    served = pushed.serving_dir.relative_to(defaults.mount_path)
    assert kserve["storageUri"] == f"pvc://{defaults.volume_claim}/{served}"


def test_all_servers_are_of_the_version_of_tensorflow_that_exports():
    minor = version("tensorflow").rpartition(".")[0]
    [container] = named("Deployment", "tfx-vae-serving")["spec"]["template"]["spec"]["containers"]
    kserve = yaml.safe_load((SERVING / "kserve.yaml").read_text())["spec"]["predictor"]["model"]["runtimeVersion"]
    compose = yaml.safe_load((PROJECT / "serving/docker-compose.yml").read_text())["services"]["tensorflow-serving"]["image"]
    assert compose == container["image"] == f"tensorflow/serving:{kserve}"
    assert kserve.rpartition(".")[0] == minor


@pytest.mark.skipif(KUSTOMIZE is None, reason="neither kustomize nor kubectl is installed")
@pytest.mark.parametrize("directory", ["kubeflow", "kubeflow-profile", "serving", "serving-canary"])
def test_kustomize_makes_what_kubernetes_knows(directory: str):
    built = subprocess.run([*(KUSTOMIZE or ()), PROJECT / "deploy" / directory], capture_output=True, text=True, check=True)
    made = list(yaml.safe_load_all(built.stdout))
    for document in made:
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)
    assert {item["metadata"]["namespace"] for item in made} == {"team-a" if directory.endswith("profile") else "kubeflow"}
    for pod in (item["spec"]["template"]["spec"] for item in made if item["kind"] == "Job" and directory.endswith("profile")):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
