"""The configuration section `pusher`."""

from pathlib import Path

from components.settings import Section


class PusherConfig(Section):
    """The versioned serving directory."""

    serving_dir: Path | None = None
    """TensorFlow Serving's base path of the model; null is `<runtime.root>/serving/<name>`."""
