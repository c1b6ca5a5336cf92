"""The manifests of a Flink cluster on Kubernetes, beside the operator's own schema, from Maven Central."""

import hashlib
import io
import os
import re
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from pipelines.beam.config import BeamConfig
from pipelines.kubeflow.config import KubeflowConfig

PROJECT = Path(__file__).parents[4]
DEPLOY = PROJECT / "deploy" / "flink"
VERSION = "1.10.0"
OPERATOR = (
    "https://repo1.maven.org/maven2/org/apache/flink/flink-kubernetes-operator-api"
    f"/{VERSION}/flink-kubernetes-operator-api-{VERSION}.jar"
)
SHA256 = "b1f44814e17514fa8395c61b329a3ee9087123a5bda5b21fe1a495d5182c30b6"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    [deployment] = documents("session-cluster.yaml")
    return deployment


@pytest.fixture(scope="module")
def operator() -> bytes:
    """The operator's jar, which is kept outside the clone."""
    path = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tfx-vae" / f"flink-operator-{VERSION}.jar"
    if not path.exists():
        try:
            with urllib.request.urlopen(OPERATOR, timeout=20) as answer:
                content = answer.read()
        except OSError as error:
            pytest.skip(f"Maven Central cannot be reached: {error}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
    return path.read_bytes()


@pytest.fixture(scope="module")
def schema(operator: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(operator)) as jar:
        definition = yaml.load(jar.read("META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"), yaml.CSafeLoader)
    [version] = definition["spec"]["versions"]
    assert version["name"] == "v1beta1"
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    refuse_the_unknown(spec)
    return spec


def refuse_the_unknown(schema: Any) -> None:
    """Kubernetes drops fields that a schema does not have; this makes them errors."""
    if isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            refuse_the_unknown(part)


def test_the_operator_knows_every_field(cluster: dict[str, Any], schema: dict[str, Any]):
    assert cluster["apiVersion"] == "flink.apache.org/v1beta1"
    jsonschema.validate(cluster["spec"], schema)

    with pytest.raises(jsonschema.ValidationError, match="'tasks' was unexpected"):
        jsonschema.validate({**cluster["spec"], "tasks": 1}, schema)


@pytest.mark.parametrize("document", documents("job-server.yaml"), ids=lambda item: item["kind"])
def test_kubernetes_knows_every_field_of_the_job_server(document: dict[str, Any]):
    kubernetes_validate.validate(document, "1.32", strict=True)


def test_the_pods_of_workers_are_pods(cluster: dict[str, Any]):
    template = cluster["spec"]["taskManager"]["podTemplate"]
    own, _ = template["spec"]["containers"]
    own["image"] = cluster["spec"]["image"]  # as the operator does
    kubernetes_validate.validate(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, **template}, "1.32", strict=True
    )


def test_the_versions_are_those_that_are_tested_on_one_machine(cluster: dict[str, Any]):
    jars = (PROJECT / "scripts" / "flink.jars").read_text()
    flink = re.search(r"org\.apache\.flink:flink-runtime:(\S+)", jars)
    beam = re.search(r"org\.apache\.beam:beam-runners-flink-(\S+):(\S+)", jars)
    assert flink and beam
    assert cluster["spec"]["image"] == f"flink:{flink[1]}-java17"
    assert cluster["spec"]["flinkVersion"] == f"v{beam[1].replace('.', '_')}"
    server = documents("job-server.yaml")[0]["spec"]["template"]["spec"]["containers"][0]
    assert server["image"] == f"apache/beam_flink{beam[1]}_job_server:{beam[2]}"


def test_a_pipeline_finds_the_workers_and_they_find_its_files(cluster: dict[str, Any]):
    pod = cluster["spec"]["taskManager"]["podTemplate"]["spec"]
    workers = pod["containers"][1]
    assert workers["args"][-1] == BeamConfig().workers
    [mount] = workers["volumeMounts"]
    assert mount["mountPath"] == str(KubeflowConfig().mount_path)
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == KubeflowConfig().volume_claim


def test_the_job_server_finds_the_cluster(cluster: dict[str, Any]):
    server, service = documents("job-server.yaml")
    [container] = server["spec"]["template"]["spec"]["containers"]
    assert f"--flink-master={cluster['metadata']['name']}-rest:8081" in container["args"]
    assert service["spec"]["selector"].items() <= server["spec"]["template"]["metadata"]["labels"].items()
