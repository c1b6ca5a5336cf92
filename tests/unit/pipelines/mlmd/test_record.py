"""What the records of earlier runs tell the next one."""

import sqlite3
from pathlib import Path

from support.history import FAILED, History, PastRun

from pipelines.mlmd.record import seconds_last_time


def took(history: History, run: PastRun, milliseconds: int) -> None:
    """Has the Trainer of a run taken so long."""
    with sqlite3.connect(history.root / "metadata.sqlite") as database:
        times = "create_time_since_epoch = 1000, last_update_time_since_epoch = 1000 + ?"
        database.execute(f"UPDATE Execution SET {times} WHERE id = ?", (milliseconds, run.executions["Trainer"]))


def test_a_component_takes_as_long_as_it_did_when_it_last_ran_to_its_end(tmp_path: Path):
    history = History(tmp_path)
    assert seconds_last_time(history.store, "mnist-vae", "Trainer") is None

    took(history, history.run(), 900_000)
    latest = history.run()
    took(history, latest, 405_200)
    took(history, history.run(cached_from=latest), 10)
    took(history, history.run(stops_at="Trainer", stops_as=FAILED, record="failed"), 3_000)
    took(history, history.run("mnist-ae"), 7_000)

    assert seconds_last_time(history.store, "mnist-vae", "Trainer") == 405.2
