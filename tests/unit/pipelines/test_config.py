"""The configuration: what is read, what is refused, and in which words."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.artifacts.spans import window_size
from components.errors import ConfigurationError
from components.models.config import ModelKind
from components.settings import Section
from components.trainer.config import Schedule
from pipelines.config import PipelineConfig, load_config
from pipelines.strict_yaml import write_yaml

PROJECT = Path(__file__).parents[3]
CONFIGS = sorted((PROJECT / "pipelines" / "configs").glob("*.yaml"))


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("name: study\nmodel: {kind: ae, latent_dim: 8}\ntrainer: {learning_rate: 3e-3}\n")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_configuration_that_the_project_ships_is_valid(path: Path):
    assert load_config(path).name


def test_values_come_from_the_file_and_the_rest_are_defaults(config_file: Path):
    config = load_config(config_file)

    assert (config.name, config.model.kind, config.model.latent_dim) == ("study", ModelKind.AE, 8)
    assert config.trainer.learning_rate == 3e-3
    assert config.trainer.schedule is Schedule.LINEAR


def test_set_wins_over_the_file_and_the_last_set_wins(config_file: Path):
    config = load_config(config_file, ["model.latent_dim=4", "trainer.learning_rate=1e-4", "model.latent_dim=2"])

    assert config.model.latent_dim == 2
    assert config.trainer.learning_rate == 1e-4


def test_set_reaches_sections_that_the_file_does_not_name(config_file: Path):
    config = load_config(config_file, ["evaluator.thresholds.kl_divergence.lower=3", "runtime.beam.options.parallelism=4"])

    assert config.evaluator.thresholds["kl_divergence"].lower == 3
    assert config.runtime.beam.options == {"parallelism": 4}


def test_relative_paths_start_from_the_base_and_absolute_ones_stay(config_file: Path, tmp_path: Path):
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema.pbtxt").touch()

    config = load_config(config_file, ["data.manual_dir=/mnt/digits"], base=tmp_path)

    assert config.runtime.root == tmp_path / "runs"
    assert config.data.schema_path == tmp_path / "schema/schema.pbtxt"
    assert config.data.manual_dir == Path("/mnt/digits")
    assert config.serving_dir == tmp_path / "runs/serving/study"


@pytest.mark.parametrize(
    ("override", "schema", "sources"),
    [
        ("trainer.epochs=1", "schema/schema.pbtxt", "data/mnist"),
        ("data.schema_path=schema/unlabelled.pbtxt", "schema/unlabelled.pbtxt", "data/mnist"),
        ("data.manual_dir=data/mnist", "schema/schema.pbtxt", "data/mnist"),
        ("data.dataset=kmnist", "schema/schema.pbtxt", None),
        ("data.manual_dir=null", "schema/schema.pbtxt", None),
    ],
)
def test_outside_a_clone_the_schema_and_mnist_are_those_of_the_package(
    config_file: Path, tmp_path: Path, override: str, schema: str, sources: str | None
):
    config = load_config(config_file, [override], base=tmp_path)

    assert config.schema_path.samefile(PROJECT / schema)
    assert (config.data.source_dir is None) == (sources is None)
    assert sources is None or (config.data.source_dir and config.data.source_dir.samefile(PROJECT / sources))


def test_nothing_else_of_the_package_is_taken_for_what_is_missing(config_file: Path, tmp_path: Path):
    config = load_config(config_file, ["data.schema_path=../config.py", "data.manual_dir=digits"], base=tmp_path / "nowhere")

    assert config.data.schema_path == tmp_path / "nowhere" / ".." / "config.py"
    assert config.data.manual_dir == tmp_path / "nowhere" / "digits"


def test_directories_that_a_run_writes_to_have_one_spelling(config_file: Path, tmp_path: Path):
    (tmp_path / "subfolder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    keys = ("runtime.root", "pusher.serving_dir", "data.data_dir")
    for spelling in ("../runs", "../link", str(tmp_path / "link")):
        config = load_config(config_file, [f"{key}={spelling}" for key in keys], base=tmp_path / "subfolder")
        assert {config.runtime.root, config.serving_dir, config.data_dir} == {tmp_path / "runs"}


def test_a_link_that_is_only_read_stays_one_since_what_it_leads_to_may_change(config_file: Path, tmp_path: Path):
    (tmp_path / "latest.pbtxt").symlink_to(tmp_path / "schema-1.pbtxt")
    config = load_config(config_file, ["data.schema_path=latest.pbtxt"], base=tmp_path)
    assert config.data.schema_path == tmp_path / "latest.pbtxt"


@pytest.mark.parametrize(
    ("dataset", "manual_dir", "source_dir"),
    [
        ("mnist", "data/{dataset}", "data/mnist"),
        ("mnist/of_a_configuration", "data/{dataset}", "data/mnist"),
        ("kmnist", "data/{dataset}", None),
        ("kmnist", "null", None),
        ("kmnist", "nowhere", "nowhere"),
    ],
)
def test_source_files_are_looked_for_by_the_name_of_the_dataset(
    config_file: Path, tmp_path: Path, dataset: str, manual_dir: str, source_dir: str | None
):
    (tmp_path / "data" / "mnist").mkdir(parents=True)

    config = load_config(config_file, [f"data.dataset={dataset}", f"data.manual_dir={manual_dir}"], base=tmp_path)

    assert config.data.source_dir == (None if source_dir is None else tmp_path / source_dir)


def test_a_configuration_cannot_be_changed(config_file: Path):
    config = load_config(config_file)

    with pytest.raises(ValueError, match="frozen"):
        setattr(config.trainer, "epochs", 3)  # noqa: B010 (mypy knows that it is frozen)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.epoch=3", "trainer.epoch: there is no such key; did you mean epochs? (in --set trainer.epoch=3)"),
        ("traner.epochs=3", "traner: there is no such key; did you mean trainer? (in --set traner.epochs=3)"),
        ("trainer.epochs=0", "trainer.epochs: 0 is not allowed: it should be greater than 0 (in --set trainer.epochs=0)"),
        ("evaluator.thresholds={}", "evaluator.thresholds: {} is not allowed: it should have at least 1 item"),
        ("trainer.epochs=many", 'trainer.epochs: "many" is not allowed: it should be a valid integer'),
        ("trainer.epochs='3'", 'trainer.epochs: "3" is not allowed: it should be a valid integer'),
        ("trainer.epochs=true", "trainer.epochs: true is not allowed: it should be a valid integer"),
        ("trainer.learning_rate=.nan", "trainer.learning_rate: NaN is not allowed: it should be a finite number"),
        ("model.kind=gan", "model.kind: \"gan\" is not allowed: it should be 'ae' or 'vae'"),
        ("model.activation=rleu", 'model.activation: "rleu" is not allowed: it must be one of elu,'),
        ("model.hidden_units=[64,-1]", "model.hidden_units.1: -1 is not allowed: it should be greater than 0"),
        ("transform.image_shape=[28,28]", "transform.image_shape.2: is missing"),
        ("data.splits={train: train}", "data.splits: "),
        (
            "data.directory=/data",
            "data: needs exactly one of data.dataset (a name), data.directory (a prepared dataset),",
        ),
        ("data={images: /shoes, dataset: mnist}", "data: needs exactly one of data.dataset (a name), data.directory"),
        ("data={schema_path: null}", "data: needs data.schema_path"),
        ("data={images: /shoes, fractions: {train: 1}}", "data.fractions: "),
        ("data.fractions={train: 0.5, eval: 0.2, test: 0.2}", "must be shares with the sum 1, but the sum is 0.9"),
        ("data.fractions={train: 1.5, eval: -0.5, test: 0}", "must be shares with the sum 1"),
        ("data.background=[0, 0, 256]", "must be red, green and blue, each from 0 to 255"),
        ("evaluator.thresholds.kl={lower: 1}", "evaluator.thresholds.kl: "),
        (
            "evaluator.thresholds.kl_divergence.min=1",
            "evaluator.thresholds.kl_divergence.min: there is no such key; allowed are",
        ),
        ("evaluator.thresholds.kl_divergence={lower: 2, upper: 1}", "lower (2) must not be above upper (1)"),
        (f"name={'x' * 64}", "is not allowed: lower-case letters, digits and dashes only, at most 63 of them"),
        ("name=My Model", 'name: "My Model" is not allowed: lower-case letters, digits and dashes only'),
        ("trainer=fast", 'trainer: "fast" is not allowed: it should be an object'),
        ("trainer.epochs.most=3", "--set trainer.epochs.most=3: epochs is a value, not a section."),
        ("trainer.epochs", "--set trainer.epochs must have the form section.key=value, e.g. --set trainer.epochs=3."),
        ("trainer.epochs=[", "--set trainer.epochs=[ is not valid YAML, line 1, column 2: "),
        ("trainer.epochs=2020-01-01", 'trainer.epochs: "2020-01-01" is not allowed: it should be a valid integer'),
        ("trainer.epochs=1e25", "trainer.epochs: 1e+25 is not allowed: it should be a valid integer"),
        ("trainer.epochs=10000000000000000", "trainer.epochs: 10000000000000000 is not allowed: it must be below 2^31"),
        ("model.hidden_units=[64, 4294967296]", "model.hidden_units: [64, 4294967296] is not allowed: it must be below 2^31"),
        (
            "runtime.root=s3://BUCKET/x",
            'runtime.root: "s3://BUCKET/x" is not allowed: it must be s3://BUCKET/DIRECTORY, the bucket in',
        ),
        (
            "runtime.pipeline_root=s3://bucket/x",
            "it must not be in S3, which TensorFlow cannot write to: set runtime.root to it",
        ),
        (f"runtime.root={'x' * 256}", "is not allowed: it is longer than a file system takes"),
        (f"data.schema_path={'x/' * 2000}", "is not allowed: it is longer than a file system takes"),
        ("metadata.url=ftp://x", 'metadata.url: "ftp://x" is not allowed: it is not understood: allowed are sqlite:///FILE,'),
        ("metadata.url=sqlite:///~nosuchuser/x", "it names a file that cannot be: write its path in full"),
        ("metadata.url=sqlite:///a%00b", "it names a file that cannot be: write its path in full"),
        ("model.beta=-1e300", "model.beta: "),
        ("data.splits={train: a, train: b}", "has the key train twice, in line 1 and in line 1: join them."),
        (
            "runtime.root=~nosuchuser/x",
            'runtime.root: "~nosuchuser/x" is not allowed: it names the home of a user that does not exist',
        ),
        ('runtime.root="a\\0b"', "has a text with a character that no file can hold, in line 1."),
        (f"{'a.' * 1000}b=1", "there is no section that deep"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_full_name_the_value_and_what_is_allowed(
    config_file: Path, override: str, message: str
):
    config_file.write_text("name: study\ntrainer: {epochs: 5}\n")

    with pytest.raises(ConfigurationError) as refusal:
        load_config(config_file, [override])

    assert message in str(refusal.value)


def test_every_problem_of_a_file_is_named_at_once_and_with_the_file(config_file: Path):
    config_file.write_text("trainer: {epochs: -1, batch_size: x}\n")

    with pytest.raises(ConfigurationError) as refusal:
        load_config(config_file)

    problems = str(refusal.value).splitlines()
    assert [problem.split(":")[0] for problem in problems] == ["name", "trainer.epochs", "trainer.batch_size"]
    assert all(str(config_file) in problem for problem in problems)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml cannot be read: No such file or directory"):
        load_config(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("text", ["name: [", "- a\n- b\n", "just words"])
def test_what_is_not_a_mapping_in_yaml_is_refused(config_file: Path, text: str):
    config_file.write_text(text)

    with pytest.raises(ConfigurationError, match=r"config\.yaml (is not valid YAML|must hold a mapping)"):
        load_config(config_file)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["model.kind=ae", "model.objective=iwae"], "kind ae has one code an image"),
        (["model.kind=ae", "model.samples=5"], "kind ae has one code an image"),
        (["model.spread=shared"], "likelihood bernoulli has no spread: set spread to null, or likelihood to gaussian"),
        (["model.likelihood=gaussian", "model.spread=pixel"], "likelihood gaussian has no spread pixel"),
        (
            ["model.likelihood=discretized_logistic", "model.spread=fixed"],
            "likelihood discretized_logistic has no spread fixed",
        ),
        (["model.kind=vae", "model.objective=iwae", "model.beta=4"], r"set beta to 1 \(it is 4\)"),
    ],
)
def test_an_objective_that_the_model_does_not_have_is_refused(config_file: Path, overrides: list[str], expected: str):
    with pytest.raises(ConfigurationError, match=expected):
        load_config(config_file, overrides)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("trainer.distribution=mirrored", "trainer: jit_compile compiles for one device"),
        ("trainer.workers=2", "trainer: jit_compile compiles for one device"),
        ("trainer.augmentation.share=0.5", "trainer: jit_compile cannot compile the augmentation"),
    ],
)
def test_what_xla_cannot_compile_is_refused(config_file: Path, override: str, expected: str):
    with pytest.raises(ConfigurationError, match=expected):
        load_config(config_file, ["trainer.jit_compile=true", override])


def test_workers_that_cannot_share_a_batch_are_refused(config_file: Path):
    with pytest.raises(ConfigurationError, match="batch_size is 256, which 3 workers cannot share"):
        load_config(config_file, ["trainer.workers=3"])


def test_docker_without_the_check_that_it_adds_to_is_refused(config_file: Path):
    with pytest.raises(ConfigurationError, match=r"infra_validator: docker adds to the check that enabled=false leaves out"):
        load_config(config_file, ["infra_validator.enabled=false", "infra_validator.docker=true"])

    assert load_config(config_file, ["infra_validator.docker=true"]).infra_validator.enabled


@pytest.mark.parametrize("tag", ["''", "a b", "latest:2", "-gpu"])
def test_a_docker_tag_that_docker_would_not_take_is_refused(config_file: Path, tag: str):
    with pytest.raises(ConfigurationError, match=r"infra_validator\.docker_tag: .* it must be a tag of the image"):
        load_config(config_file, [f"infra_validator.docker_tag={tag}"])


def keys_of(section: type[Section], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from keys_of(field.annotation, f"{prefix}{name}.")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["~x", "a/../b", "{run_date}", "s://b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(keys_of(PipelineConfig))), VALUES)
@settings(max_examples=500, deadline=None)
def test_any_setting_is_refused_in_words_or_read_back_from_what_config_prints(key: str, value: object):
    path = CONFIGS[0]
    try:
        config = load_config(path, [f"{key}={write_yaml(value)}"])
    except ConfigurationError as error:
        assert all(line.isprintable() for line in str(error).splitlines())
        assert len(str(error)) < 10_000
        return
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as printed:
        printed.write(write_yaml(config.model_dump(mode="json")))
        printed.flush()
        assert load_config(Path(printed.name)) == config


def test_a_path_that_the_locale_has_no_bytes_for_is_refused(config_file: Path):
    code = (
        "import sys; from pathlib import Path; from pipelines.config import load_config\n"
        "try: load_config(Path(sys.argv[1]), ['runtime.root=\\xe9'])\n"
        "except Exception as error: print(ascii(error))"
    )
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", code, str(config_file)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=PROJECT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ConfigurationError")
    assert "LC_ALL=C.UTF-8" in done.stdout


def test_nothing_that_a_terminal_would_obey_is_repeated(config_file: Path):
    with pytest.raises(ConfigurationError) as refusal:
        load_config(config_file, ['data.splits={"\\e[2J": train}', '"\\e]0;x"=1'])
    assert all(line.isprintable() for line in str(refusal.value).splitlines())


def test_windows_are_read(config_file: Path):
    given = ["data.images=/shoes/{SPAN}", "data.window={last: 7}", "evaluator.test_window=all"]
    config = load_config(config_file, given)
    assert (window_size(config.data.window), window_size(config.evaluator.test_window)) == (7, 0)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("data.window=newest", 'data.window: "newest" is not allowed: it must be latest, all or {last: N} with N from 1 on'),
        ("data.window={last: 0}", "data.window: must be latest, all or {last: N} with N from 1 on"),
        ("data.window=all", "data.window needs {SPAN}, or {YYYY}, {MM} and {DD}, in data.images or"),
        (
            "evaluator.test_window={last: 2}",
            "evaluator.test_window needs {SPAN}, or {YYYY}, {MM} and {DD}, in data.images or",
        ),
    ],
)
def test_a_window_that_means_nothing_is_refused(config_file: Path, window: str, message: str):
    with pytest.raises(ConfigurationError) as refusal:
        load_config(config_file, [window, "data.images=/shoes"])
    assert message in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1
