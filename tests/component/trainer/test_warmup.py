"""The warm-up requests that travel with a model, and what the model makes of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import pytest
import tensorflow as tf
from support.digits import Trained, Transformed
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from components.artifacts.loaded_model import LoadedModel
from components.artifacts.signature_names import EXAMPLES
from components.artifacts.warmup import WARMUP_FILE, RecordedRequest, read_warmup_requests
from components.infra_validator.replay import ServingSession
from components.trainer.signatures import WARMUP_IMAGES


@pytest.fixture(scope="module", params=["vae", "ae"])
def model(request: pytest.FixtureRequest, trained: Callable[[str], Trained]) -> LoadedModel:
    return LoadedModel(trained(request.param).serving_model)


@pytest.fixture
def logs(model: LoadedModel) -> list[PredictionLog]:
    """As TensorFlow Serving reads them."""
    records = tf.data.TFRecordDataset(str(model.directory / WARMUP_FILE)).as_numpy_iterator()
    return [PredictionLog.FromString(record) for record in records]


@pytest.fixture(scope="module")
def requests(model: LoadedModel) -> list[RecordedRequest]:
    return read_warmup_requests(str(model.directory))


def test_every_signature_is_asked_once_in_a_request_that_fits_any_name_a_model_is_served_by(
    model: LoadedModel, logs: list[PredictionLog]
):
    assert {log.WhichOneof("log_type") for log in logs} == {"predict_log"}
    specs = [log.predict_log.request.model_spec for log in logs]
    assert sorted(spec.signature_name for spec in specs) == sorted(model.signatures)
    assert {(spec.name, spec.WhichOneof("version_choice")) for spec in specs} == {("", None)}


def test_tensorflow_serving_answers_each_as_the_trainer_did(model: LoadedModel, requests: list[RecordedRequest]):
    with ServingSession(model.directory) as session:
        for request in requests:
            assert session.signatures[request.signature].method_name == "tensorflow/serving/predict"
            assert set(request.inputs) == set(session.signatures[request.signature].inputs)
            compare(request, session.call(request.signature, request.inputs))


def test_a_loaded_model_answers_each_as_the_trainer_did(model: LoadedModel, requests: list[RecordedRequest]):
    for request in requests:
        compare(request, model.call(request.signature, **request.inputs))


def test_the_requests_have_images_of_the_eval_split_as_they_were_before_transform(
    requests: list[RecordedRequest], standardized: Transformed
):
    raw = {image.tobytes() for image in decoded(standardized.raw["eval"])}
    images = list(decoded(next(request.inputs[EXAMPLES] for request in requests if EXAMPLES in request.inputs)))
    assert len({image.tobytes() for image in images}) == WARMUP_IMAGES
    assert {image.tobytes() for image in images} <= raw
    by_pixels = next(request for request in requests if request.signature == "reconstruct")
    np.testing.assert_allclose(by_pixels.inputs["image"], np.stack(images) / 255, atol=1e-7)


def test_the_file_is_small(model: LoadedModel):
    assert (model.directory / WARMUP_FILE).stat().st_size < 300_000


def compare(request: RecordedRequest, answered: Mapping[str, np.ndarray]) -> None:
    assert set(answered) == set(request.outputs)
    for name, values in answered.items():
        np.testing.assert_allclose(values, request.outputs[name], rtol=1e-4, atol=1e-5, err_msg=request.signature)


def decoded(examples: Iterable[bytes]) -> Iterator[np.ndarray]:
    """The pixels, uint8 [28, 28, 1], of raw examples."""
    for example in examples:
        [encoded] = tf.train.Example.FromString(example).features.feature["image"].bytes_list.value
        yield tf.io.decode_png(encoded).numpy()
