"""The file that TFX's own command line takes.

    tfx pipeline create --engine=local --pipeline_path=pipelines/local_runner.py
    tfx run create --engine=local --pipeline_name=mnist-vae

It runs the default configuration, or the one that the environment variable TFX_VAE_CONFIG names.
"""

import os
import sys
from pathlib import Path

from rich.console import Console

from components.errors import ConfigurationError
from pipelines.config import load_config
from pipelines.local import failures, session
from pipelines.local.process import prepare_streams

CONFIG_VARIABLE = "TFX_VAE_CONFIG"
PROJECT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Runs the pipeline; relative paths start from the project, wherever TFX calls this from.

    Returns:
      The exit status, as `tfx-vae run` gives it.
    """
    prepare_streams()
    path = Path(os.environ.get(CONFIG_VARIABLE, PROJECT / "pipelines" / "configs" / "mnist_vae.yaml"))
    try:
        config = load_config(path, base=PROJECT)
    except ConfigurationError as error:
        return failures.tell(error, Console(stderr=True))
    return session.run(config, session.run_through_tfx)


if __name__ == "__main__":
    sys.exit(main())
