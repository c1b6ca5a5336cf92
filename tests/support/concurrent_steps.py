"""Steps of one run that join it at the same moment, each in a process of its own, on a shared database."""

import multiprocessing
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

from pipelines.mlmd.location import Location

STEPS = 4
RUNS = 3


def join_together(location: Location) -> list[str]:
    """Every step joins run after run, in step with the others; every other one fails. The first run finds no tables.

    Returns:
      The errors that were raised.
    """
    context = multiprocessing.get_context("spawn")
    barrier, errors = context.Barrier(STEPS), context.SimpleQueue()
    processes = [context.Process(target=_join, args=(location, step, barrier, errors)) for step in range(STEPS)]
    for process in processes:
        process.start()
    found = [error for _ in processes for error in errors.get()]
    for process in processes:
        process.join()
    return found


def _join(location: Location, step: int, barrier: Barrier, errors: "SimpleQueue[list[str]]") -> None:
    from pipelines.kubeflow.node import SharedRun
    from pipelines.mlmd.connections import open_store

    found = []
    for number in range(RUNS):
        barrier.wait()
        try:
            run = SharedRun(open_store(location), "at-once", f"run-{number}")
            run.join(f"Step{step}", "/runs", None)
            if step % 2:
                run.fail(f"Step{step}", f"Step{step} found no data")
        except Exception as error:
            found.append(repr(error))
    errors.put(found)
