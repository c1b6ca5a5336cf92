"""A MariaDB, a PostgreSQL and a Kubernetes API of our own, on ports and in directories that nobody else uses.

The databases are Debian's packages; scripts/kube_apiserver.sh builds the API server.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.mlmd.location import Backend, Location

PASSWORD = "s3cret-p@ss"
_SECONDS_TO_START = 60


@contextmanager
def mariadb() -> Iterator[Location]:
    """Starts a MariaDB with an empty database in utf8mb4, as Debian configures it."""
    install, server = shutil.which("mariadb-install-db"), shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if install is None or server is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    with _directory() as directory:
        data, port = directory / "data", _free_port()
        user = ["--user=root"] if os.geteuid() == 0 else []
        common = ["--no-defaults", f"--datadir={data}", *user]
        _call([install, *common, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"])
        arguments = [
            f"--socket={directory / 'socket'}", f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
            "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", f"--pid-file={directory / 'pid'}",
        ]  # fmt: skip
        client = ["mariadb", "--no-defaults", "-u", "root", f"--socket={directory / 'socket'}", "-e"]
        with _running([server, *common, *arguments], lambda: _succeeds([*client, "SELECT 1"]), directory):
            _call([*client, f"CREATE DATABASE mlmd; CREATE USER tfx IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON mlmd.* TO tfx"])
            yield Location(Backend.MYSQL, host="127.0.0.1", port=port, database="mlmd", user="tfx", password=PASSWORD)


@contextmanager
def postgresql() -> Iterator[Location]:
    """Starts a PostgreSQL with an empty database."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    programs = found[-1].parent
    # It refuses to run as root; Debian's package made an account for it.
    account = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    with _directory() as directory:
        if account:
            shutil.chown(directory, "postgres")
        data, port, password_file = directory / "data", _free_port(), directory / "password"
        password_file.write_text(PASSWORD)
        initialise = [str(programs / "initdb"), "-D", str(data), "-U", "tfx", f"--pwfile={password_file}"]
        _call([*account, *initialise, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"])
        # SIGINT, since at SIGTERM it waits for ML Metadata's client to hang up.
        server = [str(programs / "postgres"), "-D", str(data), "-k", str(directory), "-p", str(port)]
        ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with _running([*account, *server, *settings], lambda: _succeeds(ready), directory, stop=signal.SIGINT):
            create = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "tfx", "mlmd"]
            _call(create, {"PGPASSWORD": PASSWORD})
            yield Location(Backend.POSTGRESQL, host="127.0.0.1", port=port, database="mlmd", user="tfx", password=PASSWORD)


@contextmanager
def s3(directory: Path, name: str = "bucket") -> Iterator[dict[str, str]]:
    """Starts an S3 server with an empty bucket, which is a directory on this machine.

    Args:
      directory: For the buckets, and the objects in them, each a file.
      name: The bucket's.

    Yields:
      The environment variables by which clients find it.
    """
    server = Path("/var/tmp/tfx-vae-s3/versitygw")
    if not server.exists():
        pytest.skip("There is no S3 server: scripts/s3_server.sh builds one")
    port, sidecar = _free_port(), directory / "metadata"
    (directory / "buckets" / name).mkdir(parents=True)
    sidecar.mkdir()
    command = [
        str(server), "--port", f"127.0.0.1:{port}", "--access", "tester", "--secret", PASSWORD, "--quiet",
        "posix", "--sidecar", str(sidecar), str(directory / "buckets"),
    ]  # fmt: skip
    with _running(command, lambda: _listens(port), directory):
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def kubernetes() -> Iterator[Path]:
    """Starts Kubernetes' API server, without nodes or controllers: it checks and keeps objects, and starts nothing.

    Yields:
      A file for the variable KUBECONFIG.
    """
    server = Path("/var/tmp/tfx-vae-kubernetes/kube-apiserver")
    for program in ("etcd", "kubectl", str(server)):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there: see scripts/kube_apiserver.sh")
    with _directory() as directory:
        etcd, peers, port = _free_port(), _free_port(), _free_port()
        key, tokens, config = directory / "key.pem", directory / "tokens.csv", directory / "kubeconfig"
        _call(["openssl", "genrsa", "-out", str(key), "2048"])
        tokens.write_text(f"{PASSWORD},admin,1,system:masters\n")
        cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
        named = [
            {"name": "test", "cluster": cluster, "user": {"token": PASSWORD}, "context": {"cluster": "test", "user": "test"}}
        ]
        config.write_text(json.dumps({"clusters": named, "users": named, "contexts": named, "current-context": "test"}))
        store = [
            "etcd", f"--data-dir={directory / 'etcd'}", f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}", f"--listen-peer-urls=http://127.0.0.1:{peers}",
        ]  # fmt: skip
        api = [
            str(server), f"--etcd-servers=http://127.0.0.1:{etcd}", f"--secure-port={port}", "--bind-address=127.0.0.1",
            f"--cert-dir={directory / 'certificates'}", f"--token-auth-file={tokens}", "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none", "--service-account-issuer=https://test",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
        ]  # fmt: skip
        ready = ["kubectl", f"--kubeconfig={config}", "get", "--raw=/readyz"]
        with _running(store, lambda: _listens(etcd), directory), _running(api, lambda: _succeeds(ready), directory):
            yield config


@contextmanager
def _directory() -> Iterator[Path]:
    """Outside pytest's, which other accounts cannot enter."""
    with tempfile.TemporaryDirectory(prefix="tfx-vae-", dir="/tmp") as name:
        yield Path(name)


@contextmanager
def _running(
    command: list[str], is_ready: Callable[[], bool], directory: Path, stop: signal.Signals = signal.SIGTERM
) -> Iterator[None]:
    log = directory / "log"
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=directory)
    try:
        deadline = time.monotonic() + _SECONDS_TO_START
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(stop)
        process.wait(_SECONDS_TO_START)


def _call(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **(environment or {})}, cwd="/")


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, cwd="/").returncode == 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
