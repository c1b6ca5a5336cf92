"""The parts of the KFP SDK below its public interface, and all that this project does with them. Imports kfp.

`tests/unit/pipelines/kubeflow/test_private_kfp.py` says what no longer works after an upgrade.
"""

from typing import Any

import kfp
import kfp_server_api
import urllib3


def open_client(endpoint: str | None, token: str | None, namespace: str | None, timeout_seconds: float) -> kfp.Client:
    """A client whose every call waits only so long for an answer, and is not repeated; KFP's own waits for ever."""

    class ImpatientRest(kfp_server_api.rest.RESTClientObject):  # type: ignore[name-defined, misc, unused-ignore]  # has no types
        def request(self, *arguments: Any, **options: Any) -> Any:
            # A pair, to connect and to read: a single float it ignores.
            options["_request_timeout"] = options.get("_request_timeout") or (timeout_seconds,) * 2
            return super().request(*arguments, **options)

    class ImpatientClient(kfp.Client):  # type: ignore[name-defined, misc, unused-ignore]
        def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
            """Called first of all, to ask whether there are several users; KFP's own tries five times in 25 seconds."""
            del sleep_duration
            self.be_impatient()
            return self._healthz_api.healthz_service_get_healthz()

        def be_impatient(self) -> None:
            self._existing_config.retries = urllib3.Retry(0)
            self._healthz_api.api_client.rest_client = ImpatientRest(self._existing_config)

    client = ImpatientClient(host=endpoint, existing_token=token, namespace=namespace or "kubeflow")
    client.be_impatient()
    return client


def get(client: kfp.Client, path: str) -> tuple[int, bytes]:
    """Asks the server for something beside the API, as the user interface does.

    Args:
      client: From `open_client`.
      path: The path and the query.

    Returns:
      The status, and what was answered.
    """
    api = client._run_api.api_client
    headers: dict[str, str] = {}
    api.update_params_for_auth(headers, [], ["Bearer"])
    try:
        answer = api.rest_client.GET(f"{api.configuration.host}{path}", headers=headers, _preload_content=False)
    except kfp_server_api.ApiException as error:
        return error.status, (error.body or "").encode() if isinstance(error.body or "", str) else error.body
    return answer.status, answer.data
