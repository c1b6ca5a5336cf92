"""Measures each node of a pipeline that runs in this process.

    python benchmarks/peers/node_costs.py COSTS run --config smoke

runs `tfx-vae run --config smoke` and appends one JSON object for each node to the file COSTS. With `COSTS --until NODE run ...`
it ends after that node.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

_P, _R = ParamSpec("_P"), TypeVar("_R")


def record_launches(costs: Path) -> None:
    """Measures each node that TFX's own launcher runs from now on."""
    from tfx.orchestration.portable.launcher import Launcher

    launch = Launcher.launch

    def measured(self: Any) -> Any:
        return measure(costs, self._pipeline_node.node_info.id, launch, self)

    Launcher.launch = measured


def measure(costs: Path, node: str, call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """Calls a function, and appends its node, wall and CPU seconds (with its child processes), and peak memory in MiB."""
    # The kernel forgets the peak so far.
    Path("/proc/self/clear_refs").write_text("5")
    wall, cpu = time.monotonic(), _cpu_seconds()
    try:
        return call(*args, **kwargs)
    finally:
        cost = {"node": node, "wall": time.monotonic() - wall, "cpu": _cpu_seconds() - cpu, "peak": _peak()}
        with costs.open("a") as file:
            file.write(json.dumps(cost) + "\n")


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    own = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def run_until(node: str) -> None:
    """Lets `tfx-vae run` end after a node."""
    from pipelines.local import session

    whole = session.run
    session.run = lambda config: whole(config, partial(session.run_through_tfx, until=node))


def main() -> int:
    """Runs `tfx-vae` with the arguments after its own."""
    from components import private_tfx
    from tfx_vae.cli import main as tfx_vae

    costs, launch = Path(sys.argv[1]), private_tfx.launch

    def measured(compiled: Any, node: Any, *others: Any) -> int:
        return measure(costs, node.node_info.id, launch, compiled, node, *others)

    private_tfx.launch = measured
    if sys.argv[2] == "--until":
        run_until(sys.argv[3])
        del sys.argv[2:4]
    sys.argv[:2] = ["tfx-vae"]
    return tfx_vae()


if __name__ == "__main__":
    sys.exit(main())
