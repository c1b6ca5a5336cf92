"""What the page asks, answered by the reading layer of the commands, in the shapes of their `--json`."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from components.artifacts.files import is_in_object_store
from components.artifacts.metrics import CATALOGUE
from components.bucket import SCHEME, fetch
from components.errors import ConfigurationError, PipelineError
from pipelines.mlmd import names
from pipelines.mlmd.location import Location
from tfx_vae.metadata import facts
from tfx_vae.metadata.artifacts import list_some_artifacts, page_of_artifacts
from tfx_vae.metadata.champions import list_champions
from tfx_vae.metadata.diff import compare_runs
from tfx_vae.metadata.entities import RunState
from tfx_vae.metadata.gc.collect import plan_only
from tfx_vae.metadata.gc.protection import Policy, parse_age
from tfx_vae.metadata.json_shape import artifacts_json, diff_json, gc_json, lineage_json, runs_json, show_json
from tfx_vae.metadata.lineage import trace_nearby
from tfx_vae.metadata.reader import Selection, open_database, read_runs, read_snapshot
from tfx_vae.metadata.runs import RunSummary, find_run, list_runs
from tfx_vae.metadata.show import find_report, show_run

_LOG_BYTES: Final = 64 * 1024
_ARTIFACTS_AT_ONCE: Final = 100
_REPORT_FILE: Final = re.compile(r"[a-z0-9_-]+\.(?:html|png)")
_COMPARED: Final = ("settings", "data", "metrics", "outcome", "versions")
_MOST_COMPARED: Final = 8


class Answers:
    """Answers about one database. Every answer is of the moment; only what is said of runs that have ended is kept."""

    def __init__(self, location: Location, root: Path) -> None:
        """Reads nothing yet.

        Args:
          location: The database.
          root: The directory that its runs write to.
        """
        self._location = location
        self._root = root
        self._ended: dict[str, RunSummary] = {}

    def about(self) -> dict[str, Any]:
        """Where the page reads, and what the metrics mean."""
        return {
            "version": version("tfx-vae"),
            "database": str(self._location),
            "root": str(self._root),
            "metrics": [asdict(metric) for metric in CATALOGUE],
        }

    def runs(self, last: int | None = None) -> dict[str, Any]:
        """The runs of all pipelines, or the newest of them, the newest first."""
        with open_database(self._location) as database:
            found = list_runs(database, last=last, known=self._ended)
        self._ended |= {run.id: run for run in found if run.state not in (RunState.RUNNING, RunState.KILLED)}
        return runs_json(found)

    def forget(self) -> None:
        """Reads everything again: a person has changed something."""
        self._ended = {}

    def run(self, name: str) -> dict[str, Any]:
        """All about one run."""
        with open_database(self._location) as database:
            return show_json(show_run(database, name))

    def log(self, name: str) -> dict[str, Any]:
        """The last lines of the log of a run."""
        with open_database(self._location) as database:
            path = str(find_run(read_runs(database), name).record.get(names.LOG, ""))
        if not path.endswith(".log"):
            raise PipelineError("This run has no log on this machine.")
        try:
            with Path(path).open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _LOG_BYTES))
                tail = file.read().decode(errors="replace")
        except OSError as error:
            raise PipelineError(f"The log {path} cannot be read ({error.strerror}).") from error
        return {"path": path, "is_whole": size <= _LOG_BYTES, "tail": tail}

    def curves(self, name: str) -> dict[str, Any]:
        """The losses of each epoch of a run; no epochs if it trained no model."""
        with open_database(self._location) as database:
            runs = read_runs(database)
            run = find_run(runs, name)
            snapshot = read_snapshot(database, runs, Selection(runs=[run], artifact_types=(facts.MODEL,)))
        history = facts.history(snapshot, snapshot.executions_of_run[run.id])
        return {"run": run.id, "epochs": [] if history is None else history.model_dump(mode="json")["epochs"]}

    def differences(self, names_: Sequence[str]) -> dict[str, Any]:
        """In what two or more runs differ: by section, the value of each run.

        Each of the others is compared with the first. Where it does not differ, it has the first one's value.
        """
        if not 2 <= len(names_) <= _MOST_COMPARED:
            raise ConfigurationError(f"Choose 2 to {_MOST_COMPARED} runs to compare.")
        with open_database(self._location) as database:
            pairs = [diff_json(compare_runs(database, names_[0], other)) for other in names_[1:]]
        sections: dict[str, list[dict[str, Any]]] = {}
        for section in _COMPARED:
            rows: dict[str, list[Any]] = {}
            for place, pair in enumerate(pairs, 1):
                for each in pair[section]:
                    rows.setdefault(each["name"], [each["first"]] * len(names_))[place] = each["second"]
            sections[section] = [{"name": name, "values": values} for name, values in sorted(rows.items())]
        return {"runs": [pairs[0]["first"], *(pair["second"] for pair in pairs)], "sections": sections}

    def champions(self) -> dict[str, Any]:
        """The champions of all pipelines."""
        with open_database(self._location) as database:
            return {"champions": [asdict(champion) for champion in list_champions(database)]}

    def artifacts(self, type_: str | None, words: str, start: int) -> dict[str, Any]:
        """Some artifacts, the newest first."""
        with open_database(self._location) as database:
            page = page_of_artifacts(database, type_ or None, words, start, _ARTIFACTS_AT_ONCE)
        return artifacts_json(page.artifacts) | {"total": page.total, "types": page.types, "start": start}

    def artifact(self, id_: int) -> dict[str, Any]:
        """One artifact, what it was made from, and what was made from it."""
        with open_database(self._location) as database:
            upstream, downstream = trace_nearby(database, id_)
            [artifact] = artifacts_json(list_some_artifacts(database, [id_]))["artifacts"]
        return {"artifact": artifact, "upstream": lineage_json(upstream), "downstream": lineage_json(downstream)}

    def garbage(self, keep_last: int, older_than: str) -> dict[str, Any]:
        """What gc would delete."""
        policy = Policy(keep_last, parse_age(older_than) if older_than else None)
        return gc_json(plan_only(self._location, self._root, policy), dry_run=True)

    def report_file(self, name: str, file: str) -> Path:
        """The page of a run's report, or one of its pictures."""
        with open_database(self._location) as database:
            page = find_report(database, name)
        if is_in_object_store(page) and not page.startswith(SCHEME):
            raise PipelineError(f"The report is in an object store: {page}")
        path = fetch(page.rpartition("/")[0]) / file
        if not _REPORT_FILE.fullmatch(file) or not path.is_file():
            raise ConfigurationError(f"The report of run {name} has no file {file!r}.")
        return path
