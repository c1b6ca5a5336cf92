"""A run in an environment that is against it ends as any other."""

import json
import subprocess
from pathlib import Path

from support.workplace import PROJECT, Workplace

QUICK = ("trainer.epochs=1", "evaluator.importance_weighted.enabled=false", "evaluator.frechet_distance.enabled=false")


def test_the_reader_goes_away_the_locale_is_c_and_keras_is_set_up_for_something_else(workplace: Workplace, tmp_path: Path):
    (tmp_path / "keras.json").write_text('{"floatx": "float16", "image_data_format": "channels_first", "backend": "jax"}')
    environment = workplace.environment(
        KERAS_HOME=str(tmp_path),
        KERAS_BACKEND="jax",
        KERAS_MAX_STEPS_PER_EPOCH="1",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    with subprocess.Popen(
        workplace.command(*QUICK), cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("mnist-smoke, run ")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0

    [run] = json.loads(workplace.call("runs", "--json").stdout)["runs"]
    assert (run["state"], run["error"]) == ("complete", None)
    [log] = (workplace.root / "logs" / "mnist-smoke").iterdir()
    assert "Traceback" not in log.read_text(encoding="utf-8")
    assert run["metrics"]["negative_elbo"] < 350  # an untrained model has 784 ln 2 = 543, and one step changes little
