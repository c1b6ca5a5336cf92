"""A worker of a training on several machines, whose chief is the pipeline's Trainer: `python -m components.trainer.worker`.

TF_CONFIG describes the workers and which of them this process is; all else comes from the chief. Files must have the same names
on all machines.
"""

import sys

from components.errors import PipelineError
from components.keras_environment import prepare_keras


def main() -> int:
    """Trains until the chief is done, and returns the exit status."""
    prepare_keras()
    from components.trainer.config import Distribution
    from components.trainer.distribution import open_replicas
    from components.trainer.run import TrainingArguments, train

    try:
        replicas = open_replicas(Distribution.MULTI_WORKER)
        if replicas.is_chief:
            sys.stderr.write(
                "TF_CONFIG makes this process the chief, but that is the Trainer of the pipeline: set another task index.\n"
            )
            return 2
        train(TrainingArguments.model_validate_json(replicas.receive_from_chief("")), replicas)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
