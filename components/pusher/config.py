"""The configuration section `pusher`."""

from pathlib import Path

from components.settings import Section


class PusherConfig(Section):
    """Where blessed models are pushed."""

    serving_dir: Path | None = None
    """Directory of the model's versions, TensorFlow Serving's base path; null is `<runtime.root>/serving/<name>`."""
