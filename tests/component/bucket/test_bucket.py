"""Files of a root in an S3 bucket, with a real server whose objects are files on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.servers import s3

from components import bucket
from components.errors import ConfigurationError, PipelineError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    directory = tmp_path_factory.mktemp("s3")
    with s3(directory) as variables:
        yield directory / "buckets" / "bucket", variables


@pytest.fixture
def objects(server: tuple[Path, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bucket's own directory; this process is a client with an empty directory for copies."""
    for name, value in server[1].items():
        monkeypatch.setenv(name, value)
    go_to_machine(tmp_path / "one", monkeypatch)
    return server[0]


def go_to_machine(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bucket.STAGING_VARIABLE, str(staging))


def write(uri: str, **files: str) -> Path:
    path = bucket.local(uri)
    (path / "below").mkdir(parents=True)
    for name, text in files.items():
        (path / "below" / name).write_text(text)
    return path


def files_of(path: Path) -> dict[str, str]:
    return {str(file.relative_to(path)): file.read_text() for file in path.rglob("*") if file.is_file()}


def test_what_one_machine_uploads_another_has(objects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bucket.upload(write("s3://bucket/root/Trainer/model/7", a="1", b="2"))
    bucket.upload(write("s3://bucket/root/Trainer/empty/7"))
    go_to_machine(tmp_path / "two", monkeypatch)
    assert bucket.exists("s3://bucket/root/Trainer/model/7") and bucket.size("s3://bucket/root/Trainer/model/7") == 2
    copy = bucket.fetch("s3://bucket/root/Trainer/model/7")
    assert copy == tmp_path / "two" / "bucket/root/Trainer/model/7"
    assert files_of(copy) == {"below/a": "1", "below/b": "2"}
    assert bucket.uri_of(copy) == "s3://bucket/root/Trainer/model/7"
    assert bucket.fetch("s3://bucket/root/Trainer/empty/7").is_dir()


def test_nothing_half_uploaded_is_trusted(objects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bucket.upload(write("s3://bucket/half/7", a="1", b="2"))
    (objects / "half" / ".complete-7").unlink()
    go_to_machine(tmp_path / "two", monkeypatch)
    assert not bucket.exists("s3://bucket/half/7") and bucket.size("s3://bucket/half/7") is None
    assert not bucket.fetch("s3://bucket/half/7").exists()


def test_a_download_that_was_interrupted_begins_again(objects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bucket.upload(write("s3://bucket/again/7", a="1", b="2"))
    go_to_machine(tmp_path / "two", monkeypatch)
    write("s3://bucket/again/7", a="half", c="of an earlier attempt")
    assert files_of(bucket.fetch("s3://bucket/again/7")) == {"below/a": "1", "below/b": "2"}


def test_a_second_upload_replaces_the_first(objects: Path):
    path = write("s3://bucket/replaced/7", a="1", b="2")
    bucket.upload(path)
    (path / "below" / "b").unlink()
    (path / "below" / "a").write_text("3")
    bucket.upload(path)
    assert files_of(objects / "replaced" / "7") == {"below/a": "3"}


def test_what_is_deleted_is_gone_for_every_machine(objects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write("s3://bucket/versions/7", a="1")
    bucket.upload(path)
    bucket.upload(write("s3://bucket/versions/8", a="2"))
    go_to_machine(tmp_path / "two", monkeypatch)
    bucket.refresh(bucket.local("s3://bucket/versions"))
    assert {file.name for file in bucket.local("s3://bucket/versions").glob("[0-9]")} == {"7", "8"}
    go_to_machine(tmp_path / "one", monkeypatch)
    bucket.delete(path)
    assert path.exists() and not (objects / "versions" / ".complete-7").exists()
    go_to_machine(tmp_path / "two", monkeypatch)
    bucket.refresh(bucket.local("s3://bucket/versions"))
    assert {file.name for file in bucket.local("s3://bucket/versions").glob("[0-9]")} == {"8"}


def test_a_file_is_taken_again_where_somebody_edited_it(objects: Path):
    path = bucket.local("s3://bucket/schemas/mnist.pbtxt")
    path.parent.mkdir(parents=True)
    path.write_text("inferred")
    bucket.upload(path)
    (objects / "schemas" / "mnist.pbtxt").write_text("edited")
    assert bucket.fetch(path).read_text() == "inferred"
    assert bucket.fetch(path, again=True).read_text() == "edited"


def test_paths_are_left_alone(tmp_path: Path):
    (tmp_path / "file").write_text("1")
    assert bucket.fetch(tmp_path / "file") == tmp_path / "file" == bucket.local(str(tmp_path / "file"))
    bucket.upload(tmp_path)
    bucket.delete(tmp_path)
    bucket.check(tmp_path, "runtime.root")
    assert bucket.uri_of(tmp_path) == str(tmp_path) and files_of(tmp_path) == {"file": "1"}


@pytest.mark.parametrize(
    ("uri", "variables", "problem"),
    [
        ("s3://nowhere/root", {}, "there is no bucket nowhere at http://127.0.0.1:"),
        ("s3://bucket/root", {"AWS_SECRET_ACCESS_KEY": "wrong"}, "refuses the account of AWS_ACCESS_KEY_ID"),
        (
            "s3://bucket/root",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "http://127.0.0.1:9 does not answer; AWS_ENDPOINT_URL",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    objects: Path, uri: str, variables: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch
):
    bucket.check(bucket.local("s3://bucket/root"), "runtime.root")
    assert not (objects / "root" / ".tfx-vae-writes").exists()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"runtime.root: .*{problem}") as refused:
        bucket.check(bucket.local(uri), "runtime.root")
    assert len(str(refused.value).splitlines()) == 1


def test_a_server_that_went_away_is_said_in_one_sentence(objects: Path, monkeypatch: pytest.MonkeyPatch):
    path = write("s3://bucket/away/7", a="1")
    monkeypatch.setitem(os.environ, "AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(
        PipelineError, match=r"s3://bucket/away/7 cannot be read or written: http://127\.0\.0\.1:9 does not answer"
    ):
        bucket.upload(path)


@pytest.mark.parametrize("uri", ["s3://", "s3:/bucket", "s3://B/x", "s3://bucket//x", "s3://bucket/../x", "s3://bucket/a b"])
def test_what_is_no_uri_of_a_bucket_is_refused(uri: str):
    with pytest.raises(ValueError, match="must be s3://BUCKET/DIRECTORY"):
        bucket.checked_uri(uri)
