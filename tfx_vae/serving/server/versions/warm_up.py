"""The requests that come with a model, so that the first real one is not the slow one."""

from components.artifacts.loaded_model import LoadedModel
from components.artifacts.signature_names import SERVING_DEFAULT
from components.trainer.warmup import WARMUP_FILE, read_warmup_requests


def warm_up(model: LoadedModel) -> int:
    """Asks the model what stands in its warm-up requests, and forgets the answers.

    Returns:
      The number of requests; 0 where the model has none.
    """
    if not (model.directory / WARMUP_FILE).is_file():
        return 0
    requests = read_warmup_requests(str(model.directory))
    for request in requests:
        model.call(request.signature or SERVING_DEFAULT, **request.inputs)
    return len(requests)
