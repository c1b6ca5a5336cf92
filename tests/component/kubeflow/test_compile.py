"""What Kubeflow and Vertex AI are given."""

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from kfp import components
from support.kubeflow_server import KubeflowServer

from components.errors import ConfigurationError
from pipelines.config import NotifyConfig, PipelineConfig, load_config
from pipelines.kubeflow.compile import compile_pipeline
from pipelines.kubeflow.parameters import as_text
from tfx_vae.cli import main

SMOKE = Path(__file__).parents[3] / "pipelines" / "configs" / "smoke.yaml"
IMAGE = "registry.example/python-tfx-vae:1"


@pytest.fixture(scope="session")
def compiled(smoke: PipelineConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(smoke, path)
    return path


@pytest.fixture(scope="session")
def pipeline(compiled: Path) -> dict[str, Any]:
    return next(yaml.safe_load_all(compiled.read_text()))


@pytest.fixture(scope="session")
def platform(compiled: Path) -> dict[str, Any]:
    _, platform = yaml.safe_load_all(compiled.read_text())
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def normal(text: str) -> list[str]:
    """Without what is tested elsewhere, and changes with every setting: the configuration, and KFP's version."""
    documents = list(yaml.safe_load_all(text))
    documents[0]["sdkVersion"] = "kfp"
    documents[0]["root"]["inputDefinitions"]["parameters"]["configuration"]["defaultValue"] = "{}"
    return yaml.safe_dump_all(documents).splitlines()


def test_the_pipeline_is_what_it_was(compiled: Path, golden: Path):
    changes = list(difflib.unified_diff(normal(golden.read_text()), normal(compiled.read_text()), "golden", "now", lineterm=""))
    assert not changes, "\n".join([f"if this is meant: cp {compiled} {golden}", *changes[:60]])


def test_it_loads_in_the_kfp_sdk_with_the_parameters_that_a_person_changes(compiled: Path, smoke: PipelineConfig):
    loaded = components.load_component_from_file(str(compiled))
    inputs = {name: (spec.type, spec.default) for name, spec in loaded.component_spec.inputs.items()}
    assert inputs == {
        "configuration": ("String", as_text(smoke)),
        "epochs": ("Integer", 3),
        "latent_dim": ("Integer", 8),
        "beta": ("Float", 1.0),
        "dataset": ("String", "mnist"),
        "run_date": ("String", ""),
    }


def test_open_source_kubeflow_accepts_it(pipeline: dict[str, Any]):
    assert pipeline["schemaVersion"] == "2.1.0"
    kinds = {kind for executor in pipeline["deploymentSpec"]["executors"].values() for kind in executor}
    assert kinds == {"container"}  # neither resolver nor importer


def test_each_component_is_a_step_that_waits_for_those_it_needs(pipeline: dict[str, Any]):
    tasks = pipeline["root"]["dag"]["tasks"]
    assert {task["taskInfo"]["name"]: sorted(task.get("dependentTasks", [])) for task in tasks.values()} == {
        "ImportSchemaGen": [],
        "TfdsExampleGen": [],
        "StatisticsGen": ["importschemagen", "tfdsexamplegen"],
        "ExampleValidator": ["importschemagen", "statisticsgen"],
        "ValidationGate": ["examplevalidator", "statisticsgen", "tfdsexamplegen"],
        "DriftResolver": ["tfdsexamplegen"],
        "DriftGate": ["driftresolver", "tfdsexamplegen", "validationgate"],
        "Transform": ["driftgate", "importschemagen", "tfdsexamplegen", "validationgate"],
        "Trainer": ["transform"],
        "BaselineResolver": ["trainer"],
        "FeatureClassifier": ["tfdsexamplegen", "transform"],
        "Evaluator": ["baselineresolver", "featureclassifier", "tfdsexamplegen", "trainer"],
        "ModelReport": [
            "baselineresolver", "driftgate", "evaluator", "examplevalidator", "featureclassifier", "importschemagen",
            "infravalidator", "pusher", "statisticsgen", "tfdsexamplegen", "trainer", "transform", "validationgate",
        ],
        "InfraValidator": ["trainer"],
        "Pusher": ["evaluator", "infravalidator", "trainer"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("objective", "needed"), [("negative_elbo", ["transform"]), ("frechet_distance", ["featureclassifier", "transform"])]
)
def test_a_search_is_a_step_before_the_trainer(tmp_path: Path, objective: str, needed: list[str]):
    settings = [f"kubeflow.image={IMAGE}", "tuner.enabled=true", f"tuner.objective={objective}"]
    compile_pipeline(load_config(SMOKE, settings, base=Path()), tmp_path / "pipeline.yaml")

    tasks = next(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text()))["root"]["dag"]["tasks"]
    assert sorted(tasks["tuner"]["dependentTasks"]) == needed
    assert sorted(tasks["trainer"]["dependentTasks"]) == ["transform", "tuner"]


def test_workers_are_steps_beside_the_trainer_on_machines_like_its_own(tmp_path: Path):
    settings = [f"kubeflow.image={IMAGE}", "trainer.workers=4", "kubeflow.steps.Trainer.gpu=2"]
    compile_pipeline(load_config(SMOKE, settings, base=Path()), tmp_path / "pipeline.yaml")

    pipeline = next(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text()))
    tasks = {task["taskInfo"]["name"]: task for task in pipeline["root"]["dag"]["tasks"].values()}
    for index in (1, 2, 3):
        task = tasks[f"TrainerWorker{index}"]
        assert task["dependentTasks"] == tasks["Trainer"]["dependentTasks"]
        given = task["inputs"]["parameters"]
        assert given["index"]["runtimeValue"]["constant"] == index
        assert given["run_id"]["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
    executors = {component: spec["executorLabel"] for component, spec in pipeline["components"].items()}
    resources = [
        pipeline["deploymentSpec"]["executors"][executors[tasks[name]["componentRef"]["name"]]]["container"]["resources"]
        for name in ("Trainer", "TrainerWorker1", "TrainerWorker3")
    ]
    assert resources[0] == resources[1] == resources[2]
    assert resources[0]["accelerator"]["resourceCount"] == "2"


def test_all_steps_share_kubeflows_id_of_the_run_and_are_never_taken_from_its_cache(pipeline: dict[str, Any]):
    for task in pipeline["root"]["dag"]["tasks"].values():
        given = task["inputs"]["parameters"]
        assert given["run_id"]["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
        assert given["node"]["runtimeValue"]["constant"] == task["taskInfo"]["name"]
        assert not task["cachingOptions"].get("enableCache", False)


def test_a_step_is_tried_again_however_long_its_first_attempt_took(pipeline: dict[str, Any]):
    policies = [task["retryPolicy"] for task in pipeline["root"]["dag"]["tasks"].values()]
    assert {policy["maxRetryCount"] for policy in policies} == {2}
    assert {policy["backoffDuration"] for policy in policies} == {"30s"}
    # Counted from the beginning of the first attempt.
    assert {policy["backoffMaxDuration"] for policy in policies} == {f"{30 * 24 * 3600}s"}


def test_kubeflow_shows_the_data_metrics_a_verdict_the_report_and_the_version(pipeline: dict[str, Any]):
    def outputs(node: str) -> dict[str, str]:
        artifacts = pipeline["components"][f"comp-{node}"].get("outputDefinitions", {}).get("artifacts", {})
        return {name: artifact["artifactType"]["schemaTitle"] for name, artifact in artifacts.items()}

    assert outputs("evaluator") == {"metrics": "system.Metrics", "verdict": "system.Markdown"}
    assert outputs("modelreport") == {"page": "system.HTML"}
    assert outputs("validationgate") == {"findings": "system.Markdown"}
    assert outputs("pusher") == {"model": "system.Model"}
    assert outputs("trainer") == {}


def test_the_notification_runs_after_all_steps_even_if_one_failed(smoke: PipelineConfig, tmp_path: Path):
    told = smoke.model_copy(update={"notify": NotifyConfig(command="cat")})
    compile_pipeline(told, tmp_path / "pipeline.yaml")

    [pipeline, platform] = yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text())
    tasks = pipeline["root"]["dag"]["tasks"]
    assert tasks["notification"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    [steps] = [name for name in tasks if name != "notification"]
    assert tasks["notification"]["dependentTasks"] == [steps]
    inner = pipeline["components"][tasks[steps]["componentRef"]["name"]]["dag"]["tasks"]
    assert len(inner) == 15
    assert {task["retryPolicy"]["backoffMaxDuration"] for task in inner.values()} == {f"{30 * 24 * 3600}s"}
    assert "exec-notification" in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_steps_are_placed_labelled_and_limited_as_the_configuration_says(tmp_path: Path):
    settings = [
        f"kubeflow.image={IMAGE}",
        "kubeflow.image_pull_policy=IfNotPresent",
        "kubeflow.image_pull_secrets=[registry]",
        "kubeflow.every_step.memory=1.5Gi",
        "kubeflow.every_step.labels={team: vision}",
        "kubeflow.steps.Trainer.timeout_seconds=7200",
        "kubeflow.steps.Trainer.node_selector={disk: fast}",
        "kubeflow.steps.Trainer.annotations={example.org/owner: Ada L.}",
        "kubeflow.steps.Trainer.tolerations=[{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]",
    ]
    compile_pipeline(load_config(SMOKE, settings, base=Path()), tmp_path / "pipeline.yaml")

    [pipeline, platform] = yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text())
    steps = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for step in steps.values():
        assert step["imagePullPolicy"] == "IfNotPresent"
        assert [secret["secretName"] for secret in step["imagePullSecret"]] == ["registry"]
        assert step["podMetadata"]["labels"] == {"team": "vision"}
    trainer, transform = steps["exec-trainer"], steps["exec-transform"]
    assert (trainer["activeDeadlineSeconds"], transform["activeDeadlineSeconds"]) == ("7200", "86400")
    assert trainer["nodeSelector"] == {"labels": {"disk": "fast"}}
    assert trainer["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert trainer["podMetadata"]["annotations"] == {"example.org/owner": "Ada L."}
    assert "tolerations" not in transform
    resources = pipeline["deploymentSpec"]["executors"]["exec-transform"]["container"]["resources"]
    assert resources["resourceMemoryLimit"] == str(3 * 2**29)


def test_a_step_asks_for_what_the_configuration_says(pipeline: dict[str, Any], platform: dict[str, Any]):
    executors = pipeline["deploymentSpec"]["executors"]
    assert executors["exec-trainer"]["container"]["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert "accelerator" not in executors["exec-transform"]["container"]["resources"]
    assert executors["exec-transform"]["container"]["resources"]["resourceMemoryLimit"] == "4Gi"
    assert {executor["container"]["image"] for executor in executors.values()} == {IMAGE}
    assert set(platform) == set(executors)
    for step in platform.values():
        assert (step["pvcMount"][0]["constant"], step["pvcMount"][0]["mountPath"]) == ("tfx-vae", "/mnt/tfx-vae")
        variables = {item["envVar"]: item["secretKey"] for item in step["secretAsEnv"][0]["keyToEnv"]}
        assert variables == {"TFX_VAE_METADATA": "url", "TFX_VAE_METADATA_PASSWORD": "password"}


@pytest.mark.parametrize(
    ("setting", "output", "reason"),
    [
        ("kubeflow.image=null", "p.yaml", "no image is named; pass --image"),
        ("kubeflow.steps.Trainor.gpu=1", "p.yaml", "there is no component Trainor; there are ImportSchemaGen"),
        ("kubeflow.image=x", "p.json", "must end in .yaml"),
        ("trainer.distribution=multi_worker", "p.yaml", "a step runs on one"),
        ("infra_validator.docker=true", "p.yaml", "a step has no Docker"),
    ],
)
def test_what_cannot_be_compiled_is_refused_and_nothing_written(tmp_path: Path, setting: str, output: str, reason: str):
    config = load_config(SMOKE, [f"kubeflow.image={IMAGE}", setting], base=Path())
    with pytest.raises(ConfigurationError, match=reason):
        compile_pipeline(config, tmp_path / output)
    assert not list(tmp_path.iterdir())


def test_every_step_is_told_where_the_artifacts_should_lie(tmp_path: Path):
    output = tmp_path / "pipeline.yaml"
    words = ["kubeflow", "compile", "--config", str(SMOKE), "--image", IMAGE, "-o", str(output)]
    done = CliRunner().invoke(main, [*words, "--pipeline-root", "gs://bucket/root"])
    assert done.output == f"mnist-smoke is compiled for kubeflow to {output}\n"
    pipeline = next(yaml.safe_load_all(output.read_text()))
    text = pipeline["root"]["inputDefinitions"]["parameters"]["configuration"]["defaultValue"]
    assert json.loads(text)["runtime"]["pipeline_root"] == "gs://bucket/root"


@pytest.fixture
def cli(server: KubeflowServer) -> Callable[..., Any]:
    def call(*words: str) -> Any:
        return CliRunner().invoke(
            main, ["kubeflow", *words, "--config", str(SMOKE)], env={"KF_PIPELINES_ENDPOINT": server.endpoint}
        )

    return call


def test_schedule_says_when_it_fires_and_the_other_commands_find_it(cli: Any, server: KubeflowServer):
    made = cli("schedule", "--cron", "0 0 3 * * *", "--image", IMAGE, "--param", "epochs=7")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("mnist-smoke is scheduled\n")
    assert made.output.count("03:00:00") >= 3
    [found] = server.schedules.values()
    assert found["runtime_config"]["parameters"] == {"epochs": 7}
    assert "active" in cli("schedules").output
    assert "is paused" in cli("pause").output
    assert "paused" in cli("schedules").output
    assert "is active" in cli("resume").output
    assert "is removed" in cli("unschedule").output
    assert server.schedules == {}
    assert cli("schedules").output == "There are no schedules.\n"


def test_the_code_is_rolled_back_by_a_schedule_with_the_earlier_image(cli: Any, server: KubeflowServer):
    for image in ("tfx-vae:1", "tfx-vae:2", "tfx-vae:1"):
        assert cli("schedule", "--cron", "0 0 3 * * *", "--image", f"registry.example/{image}").exit_code == 0
    [found] = server.schedules.values()
    spec = server.versions[found["pipeline_version_reference"]["pipeline_version_id"]]["pipeline_spec"]
    spec = spec.get("pipeline_spec", spec)
    images = {executor["container"]["image"] for executor in spec["deploymentSpec"]["executors"].values()}
    assert images == {"registry.example/tfx-vae:1"}


def test_schedules_of_others_are_listed_whatever_their_cron(cli: Any, server: KubeflowServer):
    common = {"recurring_run_id": "1", "status": "ENABLED"}
    server.schedules["1"] = common | {"display_name": "daily", "trigger": {"cron_schedule": {"cron": "@daily"}}}
    server.schedules["2"] = common | {"display_name": "often", "trigger": {"periodic_schedule": {"interval_second": "60"}}}
    listed = cli("schedules")
    assert listed.exit_code == 0, listed.output
    assert [line.split() for line in listed.output.splitlines()[1:]] == [["daily", "@daily", "active"], ["often", "active"]]


def test_submit_names_the_run(cli: Any, server: KubeflowServer):
    done = cli("submit", "--image", IMAGE)
    [run] = server.runs
    assert done.output == f"mnist-smoke runs as {run}\n"


def test_what_was_compiled_elsewhere_is_submitted_if_the_configuration_is_the_same(
    cli: Any, server: KubeflowServer, compiled: Path, tmp_path: Path
):
    done = cli("submit", "--package", str(compiled))
    assert done.exit_code == 0, done.output
    [version] = server.versions.values()
    assert version["pipeline_spec"] == next(iter(yaml.safe_load_all(compiled.read_text())))

    other = cli("submit", "--package", str(compiled), "--set", "trainer.seed=4711")
    assert (other.exit_code, other.stdout) == (2, "")
    assert "it was compiled from other settings; give the same --config and --set, or compile it again." in other.stderr
    (wrong := tmp_path / "wrong.yaml").write_text("- 1")
    assert "not a file that `tfx-vae kubeflow compile` wrote" in cli("submit", "--package", str(wrong)).stderr
    assert len(server.runs) == 1


def test_a_client_without_tfx_submits_what_was_compiled_elsewhere(server: KubeflowServer, compiled: Path):
    missing = ["tfx", "tensorflow", "keras", "apache_beam", "ml_metadata", "numpy", "scipy", "pyarrow", "matplotlib", "PIL"]
    program = f"import sys; sys.modules |= dict.fromkeys({missing}); from tfx_vae.cli import main; main()"
    words = ["kubeflow", "submit", "--config", str(SMOKE), "--package", str(compiled)]
    environment = os.environ | {"KF_PIPELINES_ENDPOINT": server.endpoint}

    done = subprocess.run([sys.executable, "-c", program, *words], env=environment, capture_output=True, text=True, check=False)

    [run] = server.runs
    assert (done.returncode, done.stdout) == (0, f"mnist-smoke runs as {run}\n"), done.stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("schedule", "--cron", "0 3 * * *", "--image", IMAGE), 'write "0 0 3 * * *"'),
        (("schedule", "--cron", "0 0 3 * * *"), "no image is named"),
        (("submit", "--image", IMAGE, "--param", "epochs=many"), "epochs must be a whole number"),
        (("submit", "--image", IMAGE, "--param", "epochs=0"), "trainer.epochs: 0 is not allowed"),
        (("submit", "--image", IMAGE, "--param", "run_date=31.1.2026"), "'31.1.2026' is not a date"),
        (("submit", "--image", IMAGE, "--set", "trainer.epoch=3"), "did you mean epochs?"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_sent(
    cli: Any, server: KubeflowServer, words: tuple[str, ...], reason: str
):
    done = cli(*words)
    assert done.exit_code == 2
    assert reason in done.stderr
    assert "Traceback" not in done.output
    assert server.requests == []


def test_for_vertex_ai_the_baseline_is_chosen_by_the_only_strategy_that_it_knows(tmp_path: Path):
    output = tmp_path / "vertex.yaml"
    words = ["kubeflow", "compile", "--config", str(SMOKE), "--image", IMAGE, "--target", "vertex", "-o", str(output)]
    refused = CliRunner().invoke(main, words)
    assert (refused.exit_code, output.exists()) == (2, False)
    assert "--pipeline-root gs://BUCKET/DIRECTORY" in refused.stderr

    done = CliRunner().invoke(main, [*words, "--pipeline-root", "gs://bucket/root"])
    assert done.exit_code == 0, done.output
    loaded = components.load_component_from_file(str(output))
    assert loaded.name == "mnist-smoke"
    spec = yaml.safe_load(output.read_text())
    assert spec["schemaVersion"] == "2.1.0"
    assert spec["defaultPipelineRoot"] == "gs://bucket/root/mnist-smoke"
    executors = spec["deploymentSpec"]["executors"]
    [blessing] = executors["BaselineResolver-model-blessing-resolver_executor"]["resolver"]["outputArtifactQueries"].values()
    assert blessing["filter"] == 'schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.blessed.number_value=1'
    assert {executor["container"]["image"] for executor in executors.values() if "container" in executor} == {IMAGE}
    steps = {
        "TfdsExampleGen",
        "StatisticsGen",
        "ImportSchemaGen",
        "ExampleValidator",
        "Transform",
        "Trainer",
        "Evaluator",
        "InfraValidator",
        "Pusher",
    }
    assert {name for name in spec["root"]["dag"]["tasks"] if "resolver" not in name} == steps
