"""Pushes a blessed model once, and so that no server ever sees half of it."""

import time
from pathlib import Path
from typing import Any

from absl import logging
from tfx.components.pusher import executor
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import io_utils, proto_utils

from components import bucket
from components.artifacts.champion import MODEL_ID
from components.artifacts.files import is_in_object_store, readable
from components.artifacts.serving_directory import (
    PUSHED,
    PUSHED_DESTINATION,
    PUSHED_VERSION,
    SAVED_MODEL,
    find_difference,
    version_number,
)
from components.pusher.versions import next_version, push


class Executor(executor.Executor):
    """The stock Pusher with another way of writing the version.

    ::

        Pusher(..., custom_executor_spec=ExecutorClassSpec(Executor))

    The stock executor copies into the version's directory while a server may be watching it, leaves half a version behind if
    it is killed, and silently pushes nothing if the version, the seconds since 1970, exists already. This one copies beside
    the versions, renames, and takes the next number instead. If the newest version already is this model, because a run was
    killed before the push was recorded, it is not pushed again. ML Metadata records the same as with the stock Pusher:
    `pushed`, `pushed_destination` and `pushed_version` on the PushedModel artifact, which archives a copy of the model; and
    `model_id`, by which the Resolver knows what was served.

    An object store, `gs://` and the like, has no directories to rename. There the version is written in place, the stock way:
    `saved_model.pb`, without which no server takes it for a model, comes last.
    """

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model, if it was blessed, to `push_destination.filesystem.base_directory`.

        Raises:
          NotImplementedError: If the destination is not a file system, or its versions are not UNIX timestamps.
        """
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        if not self.CheckBlessing(input_dict):
            pushed.set_int_custom_property(PUSHED, 0)
            return
        base = _base_directory(exec_properties["push_destination"])
        model = self.GetModelPath(input_dict)
        # The archive first: should the disk be full, nothing is served that ML Metadata does not record.
        io_utils.copy_dir(model, pushed.uri)
        bucket.refresh(Path(base))
        destination = _already_pushed(model, base) or _push(model, base)
        bucket.upload(destination)
        pushed.set_int_custom_property(PUSHED, 1)
        pushed.set_int_custom_property(MODEL_ID, artifact_utils.get_single_instance(input_dict["model"]).id)
        pushed.set_string_custom_property(PUSHED_DESTINATION, bucket.uri_of(destination))
        pushed.set_string_custom_property(PUSHED_VERSION, destination.rpartition("/")[2])
        logging.info("Model pushed to %s.", bucket.uri_of(destination))


def _base_directory(push_destination: str) -> str:
    destination = proto_utils.json_to_proto(push_destination, pusher_pb2.PushDestination())
    if destination.WhichOneof("destination") != "filesystem":
        raise NotImplementedError("a model can only be pushed to a file system: set push_destination.filesystem")
    versioning = pusher_pb2.Versioning
    if destination.filesystem.versioning not in (versioning.AUTO, versioning.UNIX_TIMESTAMP):
        raise NotImplementedError("versions are UNIX timestamps: set push_destination.filesystem.versioning accordingly")
    return str(destination.filesystem.base_directory).rstrip("/")


def _already_pushed(model: str, base: str) -> str:
    """The newest version, if it holds the same files; empty otherwise."""
    numbers = [number for name in _names(base) if (number := version_number(name)) is not None]
    newest = f"{base}/{max(numbers, default='')}"
    if not numbers or not fileio.exists(f"{newest}/{SAVED_MODEL}"):
        return ""
    with readable(model) as expected, readable(newest) as found:
        return "" if find_difference(expected, found) else newest


def _push(model: str, base: str) -> str:
    if not is_in_object_store(base):
        return str(push(Path(base), lambda staging: io_utils.copy_dir(model, str(staging))))
    destination = f"{base}/{next_version(_names(base), time.time())}"
    io_utils.copy_dir(model, destination, deny_regex_patterns=[rf"/{SAVED_MODEL}$"])
    io_utils.copy_file(f"{model}/{SAVED_MODEL}", f"{destination}/{SAVED_MODEL}")
    return destination


def _names(base: str) -> list[str]:
    # Object stores list directories with a slash at the end.
    return [name.rstrip("/") for name in fileio.listdir(base)] if fileio.exists(base) else []
