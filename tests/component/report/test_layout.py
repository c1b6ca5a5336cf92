"""How a report lies in a window and on paper, in a headless Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize
from support.served_page import chromium

from components.artifacts.evaluation import Evaluation
from components.report.numbers import all_metrics, metrics_by_label
from components.report.page import Page as Report
from components.report.page import Section, render

METRICS = dict.fromkeys(("reconstruction_loss", "negative_elbo", "binarized/iw_nll", "active_units"), 1234.567)
PAPER: ViewportSize = {"width": 703, "height": 1032}
"""A4 less the margins, in CSS pixels."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    evaluation = Evaluation(
        METRICS,
        metrics_by_label={label: {**METRICS, "example_count": 1000.0} for label in range(10)},
        baseline=METRICS,
        baseline_by_label=dict.fromkeys(range(10), METRICS),
        thresholds={"negative_elbo": "\u2264 110, \u2264 champion + 0.5"},
    )
    tables = [all_metrics(evaluation), *metrics_by_label(evaluation, str)]
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(render(Report("mnist-vae", [], [Section("metrics", "Metrics", "", tables)])))
    return path.as_uri()


def hidden(page: Page) -> list[str]:
    """The tables that are wider than their place."""
    return page.eval_on_selector_all(
        ".scroll", "(all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.ariaLabel)"
    )


def test_every_table_fits_into_a_window_and_on_paper(browser: Browser, report: str):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(report)
    assert hidden(page) == []
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    assert hidden(page) == []


def test_on_a_telephone_a_description_has_the_width_of_the_screen(browser: Browser, report: str):
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(report)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert page.locator(".described th small").first.evaluate("(note) => note.clientWidth") > 300
    # Of many columns some are to the right, and the names of the rows stay.
    [by_label] = hidden(page)
    assert by_label.startswith("By label")


def test_in_the_dark_the_text_is_light_and_on_paper_it_is_dark(browser: Browser, report: str):
    def lightness(media: str) -> float:
        page.emulate_media(media="print" if media == "print" else "screen", color_scheme="dark")
        colour = page.evaluate("getComputedStyle(document.body).color")
        return sum(int(part) for part in colour[4:-1].split(",")) / 3

    page = browser.new_page()
    page.goto(report)
    assert lightness("screen") > 200
    assert lightness("print") < 80
