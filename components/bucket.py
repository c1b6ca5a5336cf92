"""Files of a root in an S3 bucket: written and read on this machine, and copied from and to the bucket as a whole.

TensorFlow, TFMA and tensorflow-datasets cannot write to S3. So each file `s3://BUCKET/KEY` has its place on this machine, the
directory for copies and then `BUCKET/KEY`, and all code works with paths below it. What is complete is uploaded, and what is
not on this machine is downloaded before it is read. For all other paths, these functions do nothing.

S3 has neither directories nor renames. A directory, or a file, counts once the object `.complete-NAME` lies beside it: the last
one that is uploaded, and the first one that is deleted. Here an empty file of that name says the same of the copy.
"""

import fcntl
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from components.errors import ConfigurationError, PipelineError

SCHEME: Final = "s3://"
STAGING_VARIABLE: Final = "TFX_VAE_STAGING"
"""The directory for copies; `~/.local/share/tfx-vae/s3` without it."""

ACCOUNT_VARIABLES: Final = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL",
)  # fmt: skip
"""The environment variables that say who writes to which server."""

_URI: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/\s]+)*")
_MARKER: Final = ".complete-"
_NAMED_LAST: Final = ("saved_model.pb", "checkpoint")
"""Files by which a reader who looks at the bucket itself knows that the others are there."""
_AT_ONCE: Final = 8
_AWS: Final = "https://s3.amazonaws.com"
_PROBE: Final = ".tfx-vae-writes"

_LOGGER = logging.getLogger("tfx_vae.bucket")


def local(place: str | Path) -> Path:
    """The path on this machine of `s3://BUCKET/KEY`; of anything else, itself."""
    text = str(place)
    return _staging() / text.removeprefix(SCHEME) if text.startswith(SCHEME) else Path(place)


def uri_of(place: str | Path) -> str:
    """`s3://BUCKET/KEY` of a path below the directory for copies; of anything else, itself."""
    return f"{SCHEME}{_key(Path(place))}" if is_staged(place) else str(place)


def is_staged(place: str | Path) -> bool:
    """Whether a path has its place in a bucket."""
    return str(place).startswith(f"{_staging()}/")


def checked_uri(text: str) -> str:
    """The path on this machine of what a setting says, which may be a path.

    Raises:
      ValueError: It begins as the URI of a bucket, and is none.
    """
    if not text.startswith("s3:"):
        return text
    uri = text.rstrip("/")
    if not _URI.fullmatch(uri) or ".." in uri.split("/"):
        raise ValueError("must be s3://BUCKET/DIRECTORY, the bucket in lower-case letters, digits, dots and dashes")
    return str(local(uri))


def check(place: Path, key: str) -> None:
    """Makes sure that files can be written to the bucket of a path.

    Args:
      place: A path; nothing is checked unless it is in a bucket.
      key: The setting that names it.

    Raises:
      ConfigurationError: The server does not answer, there is no such bucket, or it refuses.
    """
    if not is_staged(place):
        return
    name, uri, probe = _key(place).partition("/")[0], uri_of(place), f"{_key(place)}/{_PROBE}"
    try:
        if not _exists(name):
            raise ConfigurationError(f"{key}: there is no bucket {name} at {_endpoint()}: create it, or correct the name.")
        with _client().open_output_stream(probe) as file:
            file.write(b"")
        _client().delete_file(probe)
    except OSError as error:
        raise ConfigurationError(f"{key}: {uri} cannot be written: {_reason(error)}.") from error


def exists(place: str | Path) -> bool:
    """Whether a directory or file is on this machine, or complete in its bucket."""
    path = local(place)
    if path.exists() or not is_staged(path):
        return path.exists()
    with _explained(path):
        return _exists(_key(_marker(path)))


def fetch(place: str | Path, again: bool = False) -> Path:
    """Downloads a directory or a file, unless it is here, or not complete in its bucket.

    Args:
      place: A path, or the URI of a bucket.
      again: Whether the bucket may have another one than what is here.

    Returns:
      The path on this machine. Nothing is there if there is nothing in the bucket either.

    Raises:
      PipelineError: The bucket cannot be read.
    """
    path = local(place)
    if not is_staged(path) or (path.exists() and _marker(path).exists() and not again):
        return path
    with _explained(path):
        if not _exists(_key(_marker(path))):
            return path
        files = _files(_key(path))
        _LOGGER.info("Downloading %s: %d files, %.1f MB.", uri_of(path), len(files), sum(files.values()) / 1e6)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".fetching-{path.name}-", dir=path.parent) as work:
            copy = Path(work) / path.name
            if list(files) != [_key(path)]:
                copy.mkdir()
            _each(lambda key: _download(key, Path(f"{copy}{key.removeprefix(_key(path))}")), files)
            with _locked():
                # Another process may have brought it meanwhile, and be reading it.
                if again or not (path.exists() and _marker(path).exists()):
                    _remove(path)
                    copy.rename(path)
                    _marker(path).touch()
    return path


def upload(place: str | Path) -> None:
    """Uploads a directory or a file. In the bucket it counts once all of it is there.

    Raises:
      PipelineError: The bucket cannot be written.
    """
    path = local(place)
    if not is_staged(path):
        return
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    size = sum(file.stat().st_size for file in files)
    _LOGGER.info("Uploading %s: %d files, %.1f MB.", uri_of(path), len(files), size / 1e6)
    with _explained(path):
        _each(_upload, [file for file in files if file.name not in _NAMED_LAST])
        _each(_upload, [file for file in files if file.name in _NAMED_LAST])
        _each(_client().delete_file, _files(_key(path)).keys() - {_key(file) for file in files})
        with _client().open_output_stream(_key(_marker(path))) as file:
            file.write(b"")
    _marker(path).touch()


def delete(place: str | Path) -> None:
    """Deletes a directory or a file from its bucket; the copy on this machine stays.

    Raises:
      PipelineError: The bucket cannot be written.
    """
    path = local(place)
    if not is_staged(path):
        return
    from pyarrow.fs import FileType

    client = _client()
    with _explained(path):
        for info in client.get_file_info([_key(_marker(path)), _key(path)]):
            if info.type == FileType.File:
                client.delete_file(info.path)
            elif info.type == FileType.Directory:
                client.delete_dir(info.path)
    _marker(path).unlink(missing_ok=True)


def refresh(directory: Path) -> None:
    """Downloads what a directory of the bucket has more than its copy here, and removes copies of what it has no more.

    Raises:
      PipelineError: The bucket cannot be read.
    """
    if not is_staged(directory):
        return
    with _explained(directory):
        names = {Path(key).name for key in _files(_key(directory), is_recursive=False)}
    complete = {name.removeprefix(_MARKER) for name in names if name.startswith(_MARKER)}
    for name in complete:
        fetch(directory / name)
    for marker in directory.glob(f"{_MARKER}*"):
        if (name := marker.name.removeprefix(_MARKER)) not in complete:
            marker.unlink()
            _remove(directory / name)


def size(place: str | Path) -> int | None:
    """The bytes of a directory or a file in its bucket; None if it is not complete there."""
    path = local(place)
    if not is_staged(path):
        return None
    with _explained(path):
        return sum(_files(_key(path)).values()) if _exists(_key(_marker(path))) else None


def _staging() -> Path:
    # Unlike Path's, this `expanduser` takes an account without a home, as in a container.
    return Path(os.path.realpath(os.path.expanduser(os.environ.get(STAGING_VARIABLE) or "~/.local/share/tfx-vae/s3")))  # noqa: PTH111


def _key(path: Path) -> str:
    return path.relative_to(_staging()).as_posix()


def _marker(path: Path) -> Path:
    return path.with_name(f"{_MARKER}{path.name}")


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or _AWS


def _client() -> Any:
    return _connect(_endpoint(), tuple(os.environ.get(name) for name in ACCOUNT_VARIABLES))


def is_connected() -> bool:
    """Whether this process has asked a server. Then it has threads, which a fork of the process would lack."""
    return _connect.cache_info().currsize > 0


@cache
def _connect(endpoint: str, account: tuple[str | None, ...]) -> Any:
    from pyarrow.fs import S3FileSystem

    scheme, _, address = endpoint.rstrip("/").rpartition("://")
    options = {} if endpoint == _AWS else {"endpoint_override": address, "scheme": scheme or "https"}
    return S3FileSystem(region=account[ACCOUNT_VARIABLES.index("AWS_REGION")] or "us-east-1", **options)


def _exists(key: str) -> bool:
    from pyarrow.fs import FileType

    return bool(_client().get_file_info(key).type != FileType.NotFound)


def _files(key: str, is_recursive: bool = True) -> dict[str, int]:
    """Bytes of each object below a key, or of the object itself."""
    from pyarrow.fs import FileSelector

    found = _client().get_file_info(key)
    listed = [found] if found.is_file else _client().get_file_info(FileSelector(key, True, is_recursive))
    return {info.path: info.size for info in listed if info.is_file}


def _upload(path: Path) -> None:
    with path.open("rb") as source, _client().open_output_stream(_key(path)) as target:
        shutil.copyfileobj(source, target, 2**20)


def _download(key: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _client().open_input_stream(key) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 2**20)


def _each(work: Callable[[Any], None], items: Iterable[Any]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(work, items))


@contextmanager
def _locked() -> Iterator[None]:
    """Holds a lock that the kernel releases when the process ends."""
    with (_staging() / ".lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PipelineError(f"{uri_of(path)} cannot be read or written: {_reason(error)}.") from error


def _reason(error: OSError) -> str:
    """What a person can do about an error of the client, which says it in many words."""
    text, endpoint = str(error), _endpoint()
    if any(word in text for word in ("ACCESS_DENIED", "FORBIDDEN", "403", "INVALID_ACCESS_KEY", "SIGNATURE", "credentials")):
        return f"{endpoint} refuses the account of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if any(word in text for word in ("NETWORK_CONNECTION", "curlCode", "resolve host")):
        return f"{endpoint} does not answer; AWS_ENDPOINT_URL is where the server is"
    return text.splitlines()[0].rstrip(".")
