"""Reads the files of a ModelEvaluation without TensorFlow.

Importing tensorflow_model_analysis takes ten seconds and more, for two small TFRecord files of protocol buffers. The part of
their schema that is needed is repeated here, with the field numbers of metrics_for_slice.proto, validation_result.proto and
config.proto in tensorflow_model_analysis/proto; all other fields are skipped. tests/component/evaluator/test_blessing.py
compares with what TFMA itself reads.
"""

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_PACKAGE = "tfx_vae.evaluation"
_DOUBLE = ".google.protobuf.DoubleValue"
_INT32 = ".google.protobuf.Int32Value"

# message: {field: (number, type)}; a type is a scalar, a message of this table, or a full name; "*" marks a repeated field.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "SubKey": {"class_id": (1, _INT32)},
    "MetricKey": {"name": (1, "string"), "sub_key": (3, "SubKey"), "model_name": (4, "string"), "is_diff": (5, "bool")},
    "MetricValue": {"double_value": (1, _DOUBLE)},
    "SingleSliceKey": {"column": (1, "string"), "bytes_value": (2, "bytes"), "int64_value": (4, "int64")},
    "SliceKey": {"single_slice_keys": (1, "SingleSliceKey*")},
    "MetricKeyAndValue": {"key": (1, "MetricKey"), "value": (2, "MetricValue")},
    "MetricsForSlice": {"slice_key": (1, "SliceKey"), "metric_keys_and_values": (51, "MetricKeyAndValue*")},
    "ValueThreshold": {"lower_bound": (1, _DOUBLE), "upper_bound": (2, _DOUBLE)},
    "ChangeThreshold": {"absolute": (1, _DOUBLE)},
    "MetricThreshold": {"value_threshold": (1, "ValueThreshold"), "change_threshold": (2, "ChangeThreshold")},
    "ValidationFailure": {
        "metric_key": (1, "MetricKey"),
        "metric_threshold": (2, "MetricThreshold"),
        "metric_value": (3, "MetricValue"),
        "message": (4, "string"),
    },
    "MetricsValidationForSlice": {"slice_key": (2, "SliceKey"), "failures": (3, "ValidationFailure*")},
    "SlicingSpec": {"feature_keys": (1, "string*")},
    "ValidationResult": {
        "validation_ok": (1, "bool"),
        "metric_validations_per_slice": (2, "MetricsValidationForSlice*"),
        "missing_slices": (3, "SlicingSpec*"),
    },
}


def read_metrics(evaluation: Path) -> list[Any]:
    """Reads the `MetricsForSlice` messages of a ModelEvaluation, one for each slice, in no particular order.

    Raises:
      FileNotFoundError: If there are none: the directory is not the output of an Evaluator.
    """
    files = sorted(evaluation.glob("metrics-*-of-*.tfrecord"))
    if not files:
        raise FileNotFoundError(f"there are no metrics in {evaluation}")
    message = _message_classes()["MetricsForSlice"]
    return [message.FromString(record) for file in files for record in _records(file)]


def read_validation(evaluation: Path) -> Any | None:
    """Reads the `ValidationResult` of a ModelEvaluation, or None if no threshold was configured."""
    message = _message_classes()["ValidationResult"]
    records = [record for file in sorted(evaluation.glob("validations*.tfrecord")) for record in _records(file)]
    return message.FromString(records[0]) if records else None


@cache
def _message_classes() -> dict[str, Any]:
    """Message classes by name, in a separate pool, because TFMA may also be loaded."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="tfx_vae/evaluation.proto", package=_PACKAGE, syntax="proto3", dependency=[wrappers_pb2.DESCRIPTOR.name]
    )
    for message, fields in _MESSAGES.items():
        file.message_type.add(name=message).field.extend(_field(name, *declared) for name, declared in fields.items())
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES}


def _field(name: str, number: int, declared: str) -> descriptor_pb2.FieldDescriptorProto:
    kinds = descriptor_pb2.FieldDescriptorProto
    scalars = {"string": kinds.TYPE_STRING, "bytes": kinds.TYPE_BYTES, "int64": kinds.TYPE_INT64, "bool": kinds.TYPE_BOOL}
    label = kinds.LABEL_REPEATED if declared.endswith("*") else kinds.LABEL_OPTIONAL
    kind = declared.removesuffix("*")
    if kind in scalars:
        return kinds(name=name, number=number, label=label, type=scalars[kind])
    type_name = kind if kind.startswith(".") else f".{_PACKAGE}.{kind}"
    return kinds(name=name, number=number, label=label, type=kinds.TYPE_MESSAGE, type_name=type_name)


def _records(file: Path) -> Iterator[bytes]:
    """The records of an uncompressed TFRecord file: length, checksum of the length, data, checksum of the data."""
    content = file.read_bytes()
    position = 0
    while position < len(content):
        (length,) = struct.unpack_from("<Q", content, position)
        start = position + 12
        if start + length + 4 > len(content):
            raise ValueError(f"{file} is truncated")
        yield content[start : start + length]
        position = start + length + 4
