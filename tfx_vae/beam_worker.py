"""The command `beam-worker`."""

import click


@click.command("beam-worker", context_settings={"ignore_unknown_options": True})
@click.option("--listen", default="localhost:50000", show_default=True, metavar="HOST:PORT", help="Where the pool listens.")
@click.option("--id", "worker_id", help="Set by the engine, for one worker.")
@click.option("--provision_endpoint", help="Set by the engine, for one worker.")
@click.argument("_more", nargs=-1, type=click.UNPROCESSED, metavar="")
def beam_worker(listen: str, worker_id: str | None, provision_endpoint: str | None, _more: tuple[str, ...]) -> None:
    """Work for Flink, Spark or another engine of Beam (docs/scale.md).

    Without --id it is a pool, which starts a worker whenever an engine asks for one (environment external). With --id and
    --provision_endpoint, as an engine calls it on its own machines (environment process), it is one worker.
    """
    from pipelines.local.process import log_to_stderr, prepare_environment

    prepare_environment()
    log_to_stderr()
    from pipelines.beam import worker

    if worker_id and provision_endpoint:
        worker.run_worker(worker_id, provision_endpoint)
    else:
        worker.serve_pool(listen)
