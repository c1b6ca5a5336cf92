"""The process that `fresh_process` starts.

Usage: python -m components.infra_validator.replay_process SAVED_MODEL TOLERANCE RESULT

RESULT is a file, which will hold a sentence that says what is wrong; nothing if all is well.
"""

import sys

from components.keras_environment import import_tensorflow_alone
from components.parent_death import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    import_tensorflow_alone()
    from components.infra_validator.replay import main

    main(*sys.argv[1:])
