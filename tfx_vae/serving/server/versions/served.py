"""A version that is loaded and ready to answer."""

from components.artifacts.loaded_model import LoadedModel
from components.artifacts.signature_names import DECODE, RECONSTRUCT
from components.errors import PipelineError
from tfx_vae.serving.pushed import PushedVersion
from tfx_vae.serving.server.rest_api.model_answers import write_metadata
from tfx_vae.serving.server.versions.gradients import no_gradients_kept
from tfx_vae.serving.server.versions.warm_up import warm_up


class ServedVersion:
    """A loaded model with what is known about it.

    Attributes:
      version: Its number.
      model: The model.
      metadata: The answer to a question for its signatures.
      warm_up_requests: How many it was warmed up with.
    """

    def __init__(self, name: str, pushed: PushedVersion) -> None:
        """Loads a version and warms it up.

        Args:
          name: Of the model.
          pushed: The version.

        Raises:
          PipelineError: It cannot be loaded.
        """
        self.version = pushed.version
        with no_gradients_kept():
            self.model = LoadedModel(pushed.path)
        if not {RECONSTRUCT, DECODE} <= self.model.signatures.keys():
            raise PipelineError(f"The model in {pushed.path} has other signatures than those that the Trainer exports.")
        self.metadata = write_metadata(name, pushed.version, pushed.path)
        self.warm_up_requests = warm_up(self.model)
