"""Whether the dataset is there, whole, or has to be downloaded, and whether there is a schema for it."""

import hashlib
import importlib.util
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from components.artifacts.dataset import INFO_FILE, find_prepared
from components.errors import ConfigurationError
from components.example_gen.config import DataConfig
from components.example_gen.image_folder import find_folder
from components.validation.schema import check_schema
from tfx_vae.doctor.check import Check, failure, ok, short, warning

_NAME: Final = "Dataset"
_NAMED_FAULTS: Final = 2


@dataclass(frozen=True)
class SourceFile:
    """A file that tensorflow-datasets reads a dataset from, as it registers it.

    Attributes:
      url: Where it is downloaded from.
      size: In bytes.
      sha256: Of its content, in hexadecimal.
      name: Under which it is looked for in `data.manual_dir`.
    """

    url: str
    size: int
    sha256: str
    name: str


def check_schema_file(data: DataConfig) -> Check:
    """The schema, which is not installed with the package."""
    if data.schema_path is None:
        return ok("Schema", "inferred by the first run")
    try:
        check_schema(data.schema_path)
    except ConfigurationError as error:
        return failure("Schema", str(error), "set data.schema_path to a schema, such as schema/schema.pbtxt in the project")
    return ok("Schema", short(data.schema_path))


def check_dataset(data: DataConfig, root: Path) -> Check:
    """The configured dataset: its source files in `data.manual_dir`, prepared already, or to be downloaded.

    Source files count even where the dataset is prepared: a run prepares it again when they have changed.
    """
    if data.has_spans:
        return ok(_NAME, f"{short(Path(str(data.arriving)))}: a run reads the spans of data.window")
    if data.examples is not None:
        return _check_examples(data.examples)
    if data.images is not None:
        return _check_images(data.images)
    if data.directory is not None:
        return _check_directory(data.directory)
    dataset = (data.dataset or "").partition(":")[0]
    sources = registered_files(dataset)
    present = [source for source in sources if data.source_dir is not None and (data.source_dir / source.name).exists()]
    prepared = find_prepared(data.data_dir or root / "datasets", dataset, data.version)
    if data.source_dir is not None and present:
        return _check_files(dataset, data.source_dir, present if prepared else sources)
    if prepared is not None:
        return ok(_NAME, f"{dataset} prepared in {short(prepared)}")
    if sources:
        return _to_be_downloaded(dataset, sources)
    return warning(
        _NAME,
        f"{dataset}: tensorflow-datasets registers no files for it, so nothing can be checked beforehand",
        "look its name up in https://www.tensorflow.org/datasets/catalog",
    )


def _check_images(images: Path) -> Check:
    try:
        found = len(find_folder(str(images)).files)
    except ConfigurationError as error:
        return failure(_NAME, str(error), "set data.images to a folder of images")
    return ok(_NAME, f"{found:,} image files in {short(images)}")


def _check_examples(pattern: Path) -> Check:
    found = len(glob(str(pattern)))  # noqa: PTH207 (as TFX does)
    if not found:
        return failure(_NAME, f"data.examples: no file matches {pattern}", "set data.examples to files of TFRecords")
    return ok(_NAME, f"{found:,} files match {short(pattern)}")


def registered_files(dataset: str, package: Path | None = None) -> list[SourceFile]:
    """What tensorflow-datasets registers for a dataset, read as text: importing it would take seconds.

    Args:
      dataset: A name, with or without a configuration: ``"mnist"``, ``"emnist/digits"``.
      package: The folder of tensorflow_datasets; None finds the installed one.

    Returns:
      The files; none where the dataset is unknown, or registers none.
    """
    package = package or _datasets_package()
    builder = dataset.partition("/")[0]
    for path in (package / "url_checksums" / f"{builder}.txt", package / "datasets" / builder / "checksums.tsv"):
        if path.is_file():
            rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
            return [
                SourceFile(url, int(size), sha256, name) for url, size, sha256, name in (row for row in rows if len(row) == 4)
            ]
    return []


def _check_directory(directory: Path) -> Check:
    if (directory / INFO_FILE).is_file():
        return ok(_NAME, f"prepared in {short(directory)}")
    return failure(
        _NAME,
        f"{short(directory)} holds no prepared dataset: it has no {INFO_FILE}",
        f"set data.directory to the folder with {INFO_FILE}, or name a dataset in data.dataset",
    )


def _check_files(dataset: str, directory: Path, sources: list[SourceFile]) -> Check:
    faults = [fault for source in sources if (fault := _fault(directory / source.name, source))]
    if not faults:
        return ok(_NAME, f"{dataset}: {len(sources)} source files in {short(directory)}, checksums right")
    more = f" and {len(faults) - _NAMED_FAULTS} more" if len(faults) > _NAMED_FAULTS else ""
    return failure(
        _NAME,
        f"{dataset} in {short(directory)}: {', '.join(faults[:_NAMED_FAULTS])}{more}",
        f"git checkout {short(directory)}, or point data.manual_dir to the files of {dataset}, or to null to download them",
    )


def _fault(path: Path, source: SourceFile) -> str | None:
    if not path.is_file():
        return f"{source.name} is missing"
    if (size := path.stat().st_size) != source.size:
        return f"{source.name} has {size:,} bytes of {source.size:,}"
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != source.sha256:
            return f"{source.name} has another checksum"
    return None


def _to_be_downloaded(dataset: str, sources: list[SourceFile]) -> Check:
    hosts = ", ".join(sorted({urlsplit(source.url).netloc for source in sources}))
    size = sum(source.size for source in sources) / 1e6
    return warning(
        _NAME,
        f"{dataset}: {size:,.0f} MB will be downloaded from {hosts}",
        f"without network: set data.manual_dir to a folder with {', '.join(source.name for source in sources[:4])}",
    )


def _datasets_package() -> Path:
    spec = importlib.util.find_spec("tensorflow_datasets")
    if spec is None or spec.origin is None:
        return Path("tensorflow_datasets")
    return Path(spec.origin).parent
