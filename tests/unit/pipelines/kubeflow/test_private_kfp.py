"""What this project needs of the KFP SDK below its public interface is there, and does what it did."""

import pytest
import urllib3
from support.kubeflow_server import TOKEN, Failure, KubeflowServer, kubeflow_server

SENTENCE = (
    "This version of the KFP SDK no longer has what pipelines/kubeflow/private_kfp.py builds on ({}): compare it with "
    "kfp/client/client.py and kfp_server_api/rest.py of the installed version."
)
SECONDS = 0.3


def test_a_client_opens_without_delay_and_asks_once_and_waits_only_so_long():
    with kubeflow_server() as server:
        try:
            error = ask_a_server_that_does_not_answer(server)
        except (ImportError, AttributeError, TypeError) as missing:
            pytest.fail(SENTENCE.format(missing))
        assert "Timeout" in type(error).__name__, SENTENCE.format(f"a call without an answer ended with {error!r}")
        asked = [path for _, path in server.requests if path.endswith("/recurringruns")]
        assert len(asked) == 1, SENTENCE.format(f"it was repeated {len(asked)} times")


def ask_a_server_that_does_not_answer(server: KubeflowServer) -> Exception | None:
    from pipelines.kubeflow.private_kfp import open_client

    client = open_client(server.endpoint, TOKEN, None, SECONDS)
    server.failures.append(Failure("GET", "/recurringruns", 0))
    try:
        client.list_recurring_runs()
    except urllib3.exceptions.HTTPError as error:
        return getattr(error, "reason", None) or error
    return None
