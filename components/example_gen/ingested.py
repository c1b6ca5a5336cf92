"""Which spans an ExampleGen has read in earlier runs, from ML Metadata, so that it reads only new ones."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.components.example_gen import utils
from tfx.dsl.io import fileio
from tfx.types.artifact import Artifact

from components.artifacts import dataset as properties
from components.artifacts.labels import read_label_names
from components.artifacts.spans import INGESTION, PASSED, SOURCE_DIGEST
from components.example_gen.image_spans import Span
from components.private_tfx import CompletingDriver


@dataclass(frozen=True)
class SpanToRead:
    """A span, and what it held when it was found.

    Attributes:
      location: The folder or pattern.
      span: Its number.
      version: Its version; None if it has none.
      fingerprint: Of its files.
    """

    location: str
    span: int
    version: int | None
    fingerprint: str

    @classmethod
    def found(cls, span: Span, fingerprint: Callable[[str], str]) -> Self:
        """Looks at its files, but does not read them."""
        return cls(span.location, span.span, span.version, fingerprint(span.location))

    def describe(self, examples: Artifact, ingestion: str, source_digest: str) -> None:
        """Sets the properties of its examples, those that the stock ExampleGen sets among them."""
        examples.span, examples.version = self.span, self.version or 0
        examples.set_int_custom_property(utils.SPAN_PROPERTY_NAME, self.span)
        if self.version is not None:
            examples.set_int_custom_property(utils.VERSION_PROPERTY_NAME, self.version)
        examples.set_string_custom_property(utils.FINGERPRINT_PROPERTY_NAME, self.fingerprint)
        examples.set_string_custom_property(INGESTION, ingestion)
        examples.set_string_custom_property(SOURCE_DIGEST, source_digest)

    def made(self, examples: metadata_store_pb2.Artifact, source_digest: str) -> bool:
        """Whether these examples hold what is there now."""
        found = examples.custom_properties
        return (
            found[utils.SPAN_PROPERTY_NAME].int_value == self.span
            and found[utils.VERSION_PROPERTY_NAME].int_value == (self.version or 0)
            and found[utils.FINGERPRINT_PROPERTY_NAME].string_value == self.fingerprint
            and found[SOURCE_DIGEST].string_value == source_digest
        )


def spans_to_read(parameters: Mapping[str, Any]) -> list[SpanToRead]:
    """What the driver wrote."""
    return [SpanToRead(**one) for one in json.loads(parameters[properties.SPANS])]


def ingestion_digest(parameters: Mapping[str, Any], names: Sequence[str]) -> str:
    """A digest of some parameters, which must be equal where spans are used together."""
    return hashlib.sha256(json.dumps([parameters.get(name) for name in names]).encode()).hexdigest()


def only_unread(driver: CompletingDriver, found: Sequence[SpanToRead], completed: dict[str, Any]) -> dict[str, Any]:
    """The execution properties of an ExampleGen, completed by `unread` where TFX looks for earlier results.

    Args:
      driver: The component's, while it runs.
      found: The spans that are there.
      completed: What it would read if nothing had been read.
    """
    if not driver.uses_cache:
        return completed
    with driver.store() as store:
        digests = completed[properties.INGESTION], completed[properties.SOURCE_DIGEST]
        return completed | unread(found, store, driver.node, *digests)


def unread(found: Sequence[SpanToRead], store: MetadataStore, node: str, ingestion: str, source_digest: str) -> dict[str, Any]:
    """The execution properties that say what to read: the spans that no earlier run has read and found good.

    If there is no such span, they are those of the run that read the last one, so that its result comes from the cache.

    Args:
      found: The spans that are there.
      store: ML Metadata.
      node: The name of the ExampleGen's context.
      ingestion: What their examples must have in common; a span that was read with other settings is read again.
      source_digest: Of the code that reads them.
    """
    read = [one for one in _passed(store, node) if one.custom_properties[INGESTION].string_value == ingestion]
    made = {span: [one.id for one in read if span.made(one, source_digest)] for span in found}
    new = [span for span, examples in made.items() if not examples]
    if not new:
        return _properties_of_maker(store, max(examples[-1] for examples in made.values()))
    return to_read(new, max((read_label_names(one.uri) or [] for one in read), key=len, default=[]))


def to_read(spans: Sequence[SpanToRead], label_names: Sequence[str]) -> dict[str, Any]:
    """The execution properties that say what to read.

    Args:
      spans: The oldest first.
      label_names: Of labels that have a number already.
    """
    return {
        properties.SPANS: json.dumps([asdict(span) for span in spans]),
        properties.LABEL_NAMES: json.dumps(list(label_names), ensure_ascii=False),
    }


def _passed(store: MetadataStore, node: str) -> list[metadata_store_pb2.Artifact]:
    """The examples of earlier runs that are still there and that the ValidationGate let pass, by id."""
    context = store.get_context_by_type_and_name("node", node)
    if context is None:
        return []
    verdicts = (verdict.custom_properties[PASSED].string_value for verdict in store.get_artifacts_by_type("DataVerdict"))
    passed = {identity for verdict in verdicts for identity in json.loads(verdict or "[]")}
    artifacts = sorted(store.get_artifacts_by_context(context.id), key=lambda artifact: artifact.id)
    live = metadata_store_pb2.Artifact.LIVE
    return [one for one in artifacts if one.id in passed and one.state == live and fileio.exists(one.uri)]


def _properties_of_maker(store: MetadataStore, examples: int) -> dict[str, Any]:
    made = [
        event.execution_id
        for event in store.get_events_by_artifact_ids([examples])
        if event.type == metadata_store_pb2.Event.OUTPUT
    ]
    [execution] = store.get_executions_by_id([min(made)])  # later ones took it from the cache
    return {name: execution.custom_properties[name].string_value for name in (properties.SPANS, properties.LABEL_NAMES)}
