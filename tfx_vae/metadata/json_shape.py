"""What `--json` prints. Scripts rely on it: names are only ever added; `format` counts up if one changes its meaning.

Times are ISO 8601 in UTC, durations seconds, sizes bytes, losses nats per image.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tfx_vae.metadata.artifacts import ArtifactDetails
from tfx_vae.metadata.diff import Difference, RunDifferences
from tfx_vae.metadata.entities import Artifact, Execution
from tfx_vae.metadata.gc.plan import Plan
from tfx_vae.metadata.lineage import Lineage
from tfx_vae.metadata.runs import RunSummary
from tfx_vae.metadata.show import ComponentDetails, RunDetails

FORMAT: Final = 1


def runs_json(runs: Sequence[RunSummary]) -> dict[str, Any]:
    """Of `tfx-vae runs`."""
    return {"format": FORMAT, "runs": [_run(run) for run in runs]}


def show_json(details: RunDetails) -> dict[str, Any]:
    """Of `tfx-vae show`."""
    return {
        "format": FORMAT,
        "run": _run(details.summary),
        "log": details.log or None,
        "host": details.host or None,
        "versions": dict(details.versions),
        "settings": dict(details.settings),
        "components": [_component(component) for component in details.components],
    }


def artifacts_json(artifacts: Sequence[ArtifactDetails]) -> dict[str, Any]:
    """Of `tfx-vae artifacts`."""
    return {
        "format": FORMAT,
        "artifacts": [
            _artifact(details.artifact)
            | {"size": details.size, "channel": details.channel, "producer": _producer(details.producer)}
            for details in artifacts
        ],
    }


def lineage_json(lineage: Lineage) -> dict[str, Any]:
    """Of `tfx-vae lineage --format json`."""
    return {
        "format": FORMAT,
        "start": list(lineage.start),
        "direction": "downstream" if lineage.downstream else "upstream",
        "nodes": [
            {"key": node.key, "kind": node.kind.value, "label": node.label, **_without_clashes(node.details)}
            for node in lineage.nodes.values()
        ],
        "edges": [{"source": edge.source, "target": edge.target, "channel": edge.channel} for edge in lineage.edges],
    }


def diff_json(differences: RunDifferences) -> dict[str, Any]:
    """Of `tfx-vae diff`."""
    return {
        "format": FORMAT,
        "first": _run(differences.first),
        "second": _run(differences.second),
        "settings": _differences(differences.settings),
        "parameters": _differences(differences.parameters),
        "versions": _differences(differences.versions),
        "data": _differences(differences.data),
        "metrics": _differences(differences.metrics),
        "outcome": _differences(differences.outcome),
    }


def gc_json(plan: Plan, dry_run: bool) -> dict[str, Any]:
    """Of `tfx-vae gc`."""
    return {
        "format": FORMAT,
        "dry_run": dry_run,
        "size": plan.size,
        "artifacts": [
            {"id": freed.artifact.id, "type": freed.artifact.type, "uri": freed.artifact.uri, "size": freed.size}
            for freed in plan.artifacts
        ],
        "leftovers": [
            {"kind": leftover.kind.name.lower(), "path": str(leftover.path), "size": leftover.size}
            for leftover in plan.leftovers
        ],
        "restored": [artifact.id for artifact in plan.restored],
        "kept": dict(plan.kept),
        "elsewhere": plan.elsewhere,
    }


def _run(run: RunSummary) -> dict[str, Any]:
    return {
        "number": run.number,
        "id": run.id,
        "pipeline": run.pipeline,
        "started": _time(run.started),
        "seconds": run.seconds,
        "state": run.state.value,
        "dataset": None if run.dataset is None else dict(run.dataset),
        "model": None if run.model is None else dict(run.model),
        "metrics": None if run.metrics is None else dict(run.metrics),
        "blessed": run.blessed,
        "refusal": run.refusal or None,
        "pushed_version": run.pushed_version,
        "drifted": run.drifted,
        "drift": run.drift or None,
        "error": run.error or None,
        "decision": run.decision or None,
        "why": run.why or None,
        "tag": run.tag or None,
        "changed": dict(run.changed),
    }


def _component(component: ComponentDetails) -> dict[str, Any]:
    return {
        "node": component.node,
        "type": component.type,
        "execution": component.execution_id,
        "state": component.state.value,
        "seconds": component.seconds,
        "inputs": _channels(component.inputs),
        "outputs": _channels(component.outputs),
        "parameters": dict(component.parameters),
        "error": component.error or None,
    }


def _channels(channels: Mapping[str, list[Artifact]]) -> dict[str, Any]:
    return {channel: [_artifact(artifact) for artifact in artifacts] for channel, artifacts in channels.items()}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {
        "id": artifact.id,
        "type": artifact.type,
        "state": artifact.state.value,
        "uri": artifact.uri,
        "created": _time(artifact.created),
        "properties": dict(artifact.properties),
    }


def _producer(execution: Execution | None) -> dict[str, Any] | None:
    if execution is None:
        return None
    return {"node": execution.node, "execution": execution.id, "run": execution.run_id}


def _without_clashes(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name not in ("key", "kind", "label")}


def _differences(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    return [{"name": each.name, "first": each.first, "second": each.second} for each in differences]


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
