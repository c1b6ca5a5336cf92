"""Spans: what a run reads of the images that arrive one after another, and what ML Metadata records about them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from components.settings import Section

if TYPE_CHECKING:
    from tfx.types.artifact import Artifact

INGESTION: Final = "ingestion"
"""Custom property of Examples: a digest of the settings that its spans have in common. Only such spans are used together."""
SOURCE_DIGEST: Final = "source_digest"
"""Custom property of Examples: the digest of the code that wrote them."""
EXAMPLES_ID: Final = "examples_id"
"""Custom property of ExampleStatistics: the Examples that they describe."""
PASSED: Final = "passed_examples"
"""Custom property of DataVerdict: JSON, the ids of the Examples that the ValidationGate let pass."""


class LastSpans(Section):
    """Some of the latest spans."""

    last: int = Field(ge=1)
    """How many; spans that do not exist do not count."""


def _is_window(value: Any) -> Any:
    if value in ("latest", "all") or isinstance(value, LastSpans):
        return value
    if isinstance(value, dict) and list(value) == ["last"] and isinstance(value["last"], int) and value["last"] > 0:
        return value
    raise ValueError("must be latest, all or {last: N} with N from 1 on")


Window = Annotated[Literal["latest", "all"] | LastSpans, BeforeValidator(_is_window)]
"""Which spans are used together: `latest`, `all` or `{last: 7}`."""

EVERY_SPAN: Final = 0


def window_size(window: Window) -> int:
    """How many of the latest spans; `EVERY_SPAN` is all of them."""
    if isinstance(window, LastSpans):
        return window.last
    return EVERY_SPAN if window == "all" else 1


def one_for_each(output: "Artifact", count: int) -> "list[Artifact]":
    """The artifacts of an executor that makes one for each of several spans, in directories that exist.

    Args:
      output: As TFX's launcher made it; it accepts several only in directories below that one.
      count: How many, at least one.
    """
    from tfx.dsl.io import fileio
    from tfx.types import artifact_utils

    outputs = [output] if count == 1 else artifact_utils.replicate_artifacts(output, count)
    for one in outputs:
        fileio.makedirs(one.uri)
    return outputs


def for_each_span(
    do: Callable[..., Any],
    key: str,
    output_key: str,
    inputs: "dict[str, list[Artifact]]",
    outputs: "dict[str, list[Artifact]]",
    parameters: dict[str, Any],
) -> None:
    """Calls the `Do` of a stock executor that takes a single artifact, once for each span; changes `outputs`.

    Args:
      do: The stock executor's.
      key: The input that has one artifact for each span.
      output_key: The output that gets one for each.
      inputs: As TFX's launcher gives them.
      outputs: Likewise.
      parameters: Likewise.
    """
    [first] = outputs[output_key]
    outputs[output_key] = one_for_each(first, len(inputs[key]))
    for one, output in zip(inputs[key], outputs[output_key], strict=True):
        do({**inputs, key: [one]}, {**outputs, output_key: [output]}, parameters)
