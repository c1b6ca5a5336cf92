"""What a person may change on the page of `tfx-vae ui --allow-actions`, as the commands of the same names do."""

import secrets
from contextlib import AbstractContextManager
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from components.errors import ConfigurationError, PipelineError
from components.settings import Section
from pipelines.config import PipelineConfig
from pipelines.mlmd import decisions, names
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.decisions import Place
from pipelines.mlmd.location import Location
from pipelines.mlmd.lock import database_lock
from pipelines.mlmd.record import write_facts
from tfx_vae.metadata.gc.collect import collect, plan_only
from tfx_vae.metadata.gc.protection import Policy, parse_age
from tfx_vae.metadata.json_shape import gc_json


class _Asked(Section):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Rollback(_Asked):
    pipeline: str
    version: int | None = None
    why: str


class _Promotion(_Asked):
    pipeline: str
    target: str
    why: str


class _Tag(_Asked):
    run: str
    tag: str = Field(max_length=200)


class _Deletion(_Asked):
    keep_last: int = Field(ge=0)
    older_than: str
    artifacts: list[int]
    """What the person saw."""


class Actions:
    """Carries out actions for whoever knows the token.

    Attributes:
      token: A secret of this process. Another page, or another user of this machine, does not know it.
    """

    def __init__(self, config: PipelineConfig, location: Location) -> None:
        """Changes nothing yet.

        Args:
          config: A configuration; that of another pipeline has the same directories.
          location: The database.
        """
        self.token = secrets.token_urlsafe(32)
        self._config = config
        self._location = location
        self._kinds = {"rollback": self._rollback, "promote": self._promote, "tag": self._tag, "delete": self._delete}

    def knows(self, token: str) -> bool:
        """Whether a token is this one."""
        return secrets.compare_digest(token.encode(), self.token.encode())

    def carry_out(self, kind: str, body: bytes) -> dict[str, Any]:
        """Carries out an action, and says what was done.

        Raises:
          ConfigurationError: It is unknown, or asked for in another form.
          PipelineError: It cannot be done, or a run is using the database.
        """
        if kind not in self._kinds:
            raise ConfigurationError(f"There is no action {kind!r}.")
        try:
            return {"done": self._kinds[kind](body)}
        except ValidationError as error:
            [first, *_] = error.errors()
            raise ConfigurationError(f"{'.'.join(map(str, first['loc'])) or 'The body'}: {first['msg']}.") from error

    def _rollback(self, body: bytes) -> str:
        asked = _Rollback.model_validate_json(body)
        version = None if asked.version is None else str(asked.version)
        done = decisions.rollback(self._place(asked.pipeline), version, asked.why, _busy)
        return f"Version {done.version} is served now. Version {done.taken_back} was taken back."

    def _promote(self, body: bytes) -> str:
        asked = _Promotion.model_validate_json(body)
        done = decisions.promote(self._place(asked.pipeline), asked.target, asked.why, _busy)
        return f"Version {done.version} is served now, and its model {done.model} is the champion."

    def _tag(self, body: bytes) -> str:
        asked = _Tag.model_validate_json(body)
        with database_lock(self._location, "tag", _busy):
            store = open_store(self._location)
            run = store.get_context_by_type_and_name("pipeline_run", asked.run)
            if run is None:
                raise ConfigurationError(f"There is no run {asked.run!r}.")
            write_facts(store, run, {names.TAG: asked.tag.strip() or None})
        return f"The tag of run {asked.run} is {asked.tag.strip()!r}." if asked.tag.strip() else f"Run {asked.run} has no tag."

    def _delete(self, body: bytes) -> str:
        asked = _Deletion.model_validate_json(body)
        policy = Policy(asked.keep_last, parse_age(asked.older_than) if asked.older_than else None)
        root = self._config.runtime.root
        plan = plan_only(self._location, root, policy)
        if not {freed.artifact.id for freed in plan.artifacts} <= set(asked.artifacts):
            raise PipelineError("Meanwhile something else would be deleted: look again.")
        deleted = gc_json(collect(self._location, root, policy, _busy), dry_run=False)
        return f"{len(deleted['artifacts'])} artifacts were deleted, and {deleted['size']} bytes are free."

    def _place(self, pipeline: str) -> Place:
        if self._config.pusher.serving_dir is not None and pipeline != self._config.name:
            raise ConfigurationError(f"The serving directory of {pipeline} is not known: start tfx-vae ui with its --config.")
        config = self._config.model_copy(update={"name": pipeline})
        return Place(config.name, config.pipeline_root, config.serving_dir, self._location)


def _busy(_reason: str) -> AbstractContextManager[None]:
    raise PipelineError("A run is using the database: try again when it has ended.")
