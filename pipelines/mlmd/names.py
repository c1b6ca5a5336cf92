"""The names of the properties that this project adds to those of TFX."""

from typing import Final

STATE: Final = "state"
"""Of a run: `running`, `complete`, `failed` or `canceled`. This and the following are custom properties of its context."""
LOG: Final = "log"
"""The path of its log, which is locked while the run is running."""
HOST: Final = "host"
"""The machine that it runs on."""
PIPELINE_ROOT: Final = "pipeline_root"
"""The directory of its artifacts."""
VERSIONS: Final = "versions"
"""JSON: the installed versions of this project and of the libraries that it depends on."""
ERROR: Final = "error_message"
"""The sentence that says why it failed: a custom property of the run's context and of the execution."""
