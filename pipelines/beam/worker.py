"""Beam's worker for Python, with what this project needs: a pool of them, or one.

Beam's own worker imports a module when the first pickle names it. tensorflow-data-validation 1.16, the last for Python 3.11,
imports `tfx_bsl.arrow.sql_util`, which tfx-bsl has dropped; `import tfx` puts a stand-in there. So `tfx` comes first here.
"""

import json
import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from multiprocessing.context import ForkServerContext
from typing import Any, Final

import grpc
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
)
from google.protobuf import json_format

from components.errors import PipelineError
from components.source_digest import source_digest
from pipelines.beam.check import SOURCE

_PRELOADED: Final = (
    "tfx",
    "components.example_gen.executor",
    "components.example_gen.image_executor",
    "tfx.components.statistics_gen.executor",
    "components.transform.executor",
    "components.evaluator.executor",
    "components.evaluator.user_functions",
    "apache_beam.runners.worker.sdk_worker_main",
)
"""What a pool imports once, for ten seconds or more, instead of every worker."""

_logger = logging.getLogger("tfx_vae")


def run_worker(worker_id: str, provision_endpoint: str) -> None:
    """Works until the engine closes the connection.

    Args:
      worker_id: The engine's name for this worker.
      provision_endpoint: Where the engine tells it all else, `host:port`.
    """
    import tfx  # noqa: F401 (see above)
    from apache_beam.runners.worker import sdk_worker_main

    with grpc.insecure_channel(provision_endpoint) as channel:
        service = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        request = beam_provision_api_pb2.GetProvisionInfoRequest()
        info = service.GetProvisionInfo(request, metadata=[("worker_id", worker_id)]).info
    os.environ.update(
        WORKER_ID=worker_id,
        CONTROL_API_SERVICE_DESCRIPTOR=f"url: {json.dumps(info.control_endpoint.url)}",
        LOGGING_API_SERVICE_DESCRIPTOR=f"url: {json.dumps(info.logging_endpoint.url)}",
        PIPELINE_OPTIONS=json_format.MessageToJson(info.pipeline_options),
        RUNNER_CAPABILITIES=" ".join(info.runner_capabilities),
    )
    sdk_worker_main.main([])


def serve_pool(address: str) -> None:
    """Starts a worker, in a process of its own, whenever the engine asks for one, until SIGTERM or Ctrl-C.

    Args:
      address: Where to listen, `host:port`.

    Raises:
      PipelineError: The port is taken, or this project cannot be imported here.
    """
    # A process that forks must not have used gRPC: the forks are made by one that only imports.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    first = context.Process(target=_import_all)
    first.start()
    first.join()
    if first.exitcode:
        raise PipelineError("The workers cannot import this project: the traceback above says why.")
    server = grpc.server(ThreadPoolExecutor(), options=[("grpc.so_reuseport", 0)])
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(Pool(context), server)
    try:
        server.add_insecure_port(address)
    except RuntimeError as error:
        raise PipelineError(
            f"No pool can listen at {address}: another process may; choose another address with --listen."
        ) from error
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    server.start()
    _logger.info("A pool of Beam workers listens on %s.", address)
    ended.wait()
    server.stop(0)


class Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """The service by which an engine starts workers and ends them."""

    def __init__(self, context: ForkServerContext) -> None:
        self._context = context
        self._source = source_digest(__name__)

    def StartWorker(self, request: Any, _: grpc.ServicerContext) -> beam_fn_api_pb2.StartWorkerResponse:  # noqa: N802
        """Called by the engine, once for each of its own processes."""
        arguments = (request.worker_id, request.provision_endpoint.url)
        self._context.Process(target=_run_while_pool_lives, args=arguments, daemon=True).start()
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, _: Any, context: grpc.ServicerContext) -> beam_fn_api_pb2.StopWorkerResponse:  # noqa: N802
        """Called by the engine when it has closed its connection to a worker, which then ends by itself.

        Nothing is killed here: two processes of Flink may give their workers the same name.
        """
        context.set_trailing_metadata(((SOURCE, self._source),))
        return beam_fn_api_pb2.StopWorkerResponse()


def _import_all() -> None:
    for name in _PRELOADED:
        import_module(name)


def _run_while_pool_lives(worker_id: str, provision_endpoint: str) -> None:
    pool = multiprocessing.parent_process()
    assert pool is not None

    def end_with_the_pool() -> None:
        pool.join()
        os._exit(1)

    threading.Thread(target=end_with_the_pool, daemon=True).start()
    run_worker(worker_id, provision_endpoint)
