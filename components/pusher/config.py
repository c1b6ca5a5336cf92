"""The configuration section `pusher`."""

import re

from pydantic import field_validator

from components.settings import Place, Section


class PusherConfig(Section):
    """Where blessed models are pushed."""

    serving_dir: Place | None = None
    """Directory of the model's versions, TensorFlow Serving's base path; null is `<runtime.root>/serving/<name>`."""

    model_registry: str | None = None
    """Address of a Kubeflow Model Registry, `http://HOST:PORT`, where pushed versions are registered; null registers none."""

    @field_validator("model_registry")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        if address is not None and not re.fullmatch(r"https?://[^/\s]+", address):
            raise ValueError("must be an address without a path, such as http://model-registry-service.kubeflow:8080")
        return address
