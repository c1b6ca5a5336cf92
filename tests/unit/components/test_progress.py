"""Progress travels as log records."""

import logging

import pytest

from components.progress import LOGGER_NAME, RECORD_ATTRIBUTE, Progress, part_of, report


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("training", 1.25, 30, "epochs", {"loss": 101.234}), "training 1.2 of 30 epochs, loss 101.23"),
        (Progress("preparing mnist", 28424, None, "examples"), "preparing mnist 28,424 examples"),
        (Progress("training", 30, 30, "epochs"), "training 30 of 30 epochs"),
    ],
)
def test_progress_reads_as_a_sentence(progress: Progress, text: str):
    assert str(progress) == text


def test_a_report_reaches_whoever_listens_whole(caplog: pytest.LogCaptureFixture):
    progress = Progress("training", 1, 2, "epochs")

    with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
        report(progress)

    [record] = caplog.records
    assert getattr(record, RECORD_ATTRIBUTE) is progress


def test_a_part_is_reported_with_the_whole(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
        with part_of("trial 3 of 20"):
            report(Progress("training", 1, 2, "epochs"))
        report(Progress("exporting", 1, 2, "files"))

    assert caplog.messages == ["trial 3 of 20: training 1 of 2 epochs", "exporting 1 of 2 files"]
