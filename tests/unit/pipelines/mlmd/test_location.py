"""Which database a URL, the settings and the environment mean; and that the password is never shown."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipelines.config import load_config
from pipelines.mlmd.location import Backend, Location, locate, parse_url, sqlite_location

DEFAULT = Path("/runs/metadata.sqlite")


def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path):
    assert parse_url("sqlite:///runs/a%20b.db", base=tmp_path) == sqlite_location(tmp_path / "runs" / "a b.db")
    assert parse_url("sqlite:////data/metadata.sqlite") == sqlite_location(Path("/data/metadata.sqlite"))


def test_a_server_has_its_usual_port_unless_said_otherwise():
    mysql = Location(Backend.MYSQL, host="db", port=3306, database="mlmd", user="tfx")
    assert parse_url("mysql://tfx@db/mlmd") == mysql
    assert parse_url("postgresql://tfx@db:5433/mlmd").port == 5433
    assert parse_url("postgresql://tfx@db/mlmd").port == 5432


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("oracle://tfx:s3cret@db/mlmd", "is not understood"),
        ("mysql://tfx:s3cret@db:port/mlmd", "is not understood"),
        ("mysql://db/mlmd", "lacks its user, host or database"),
        ("mysql://tfx:s3cret@db/", "lacks its user, host or database"),
        ("mysql://tfx:s3cret@db/mlmd?ssl=1", "has options"),
        ("sqlite://metadata.sqlite", "lacks its file"),
        ("sqlite:///", "lacks its file"),
    ],
)
def test_what_is_not_understood_is_refused_without_repeating_it(url: str, complaint: str):
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        parse_url(url)
    assert "s3cret" not in str(caught.value)


def test_the_settings_win_over_the_environment_and_that_over_the_default(tmp_path: Path):
    environment = {"TFX_VAE_METADATA": "mysql://tfx@env/mlmd"}
    assert locate("mysql://tfx@set/mlmd", None, DEFAULT, environment).host == "set"
    assert locate(None, None, DEFAULT, environment).host == "env"
    assert locate(None, None, DEFAULT, {}) == sqlite_location(DEFAULT)


def test_the_password_comes_from_the_environment_or_a_file(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("from-file\n")
    url, environment = "mysql://tfx@db/mlmd", {"TFX_VAE_METADATA_PASSWORD": "from-environment"}
    assert locate(url, None, DEFAULT, environment).password == "from-environment"
    assert locate(url, file, DEFAULT, environment).password == "from-file"
    in_url = {"TFX_VAE_METADATA": "mysql://tfx:p%40ss@db/mlmd"}
    assert locate(None, None, DEFAULT, in_url).password == "p@ss"


def test_a_file_without_a_password_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"metadata.password_file: .*nowhere cannot be read"):
        locate("mysql://tfx@db/mlmd", tmp_path / "nowhere", DEFAULT, {})


def test_a_password_on_the_command_line_or_in_a_file_of_settings_is_refused(tmp_path: Path):
    config = tmp_path / "config.yaml"
    config.write_text("name: study\n")
    with pytest.raises(ConfigurationError, match="must not hold the password") as caught:
        locate("mysql://tfx:s3cret@db/mlmd", None, DEFAULT, {})
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"metadata.url: .*must not hold the password"):
        load_config(config, ["metadata.url=mysql://tfx:s3cret@db/mlmd"])


def test_nothing_that_is_printed_of_a_location_shows_the_password():
    location = parse_url("postgresql://tfx:s3cret@db/mlmd")
    assert str(location) == "postgresql://tfx@db:5432/mlmd"
    assert "s3cret" not in repr(location)


def test_a_relative_file_in_the_settings_starts_from_the_base(tmp_path: Path):
    config = tmp_path / "config.yaml"
    config.write_text("name: study\nmetadata: {url: 'sqlite:///m.db'}\n")
    assert load_config(config, base=tmp_path / "base").metadata_location.path == tmp_path / "base" / "m.db"
    assert load_config(config, ["metadata.url=null"], base=tmp_path).metadata_location.path == tmp_path / "runs/metadata.sqlite"
