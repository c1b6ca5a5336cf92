"""The page as a whole: its layout, its accessibility, and what it shows without a model or a server."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.local_server import LocalServer, wait_until
from support.served_page import NARROW, WIDE, Drawing

both_windows = pytest.mark.parametrize("drawing", [WIDE, NARROW], indirect=True, ids=["wide", "narrow"])
LINE = [(0.2, 0.2), (0.5, 0.4), (0.8, 0.8)]
CONTROLS = {"button": 10 + 16 + 6 + 4, "slider": 10 + 1, "spinbutton": 1}
SOME_NAME = re.compile(r"\S")


def count(drawing: Drawing, role: Any, name: str | re.Pattern[str] | None = None) -> int:
    """How many elements have a role and a name, as assistive technology sees them."""
    return drawing.page.get_by_role(role, name=name).count()


@both_windows
def test_everything_fits_into_the_window(drawing: Drawing):
    drawing.draw(LINE)
    drawing.click("#keep-a")
    drawing.click("#keep-b")
    drawing.settle()

    wide, window = drawing.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= window
    cut = drawing.page.evaluate(
        "[...document.querySelectorAll('main *')].filter((e) => e.checkVisibility() && e.getBoundingClientRect().width &&"
        " (e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1)).map((e) => e.outerHTML)"
    )
    assert cut == []


@both_windows
def test_every_control_has_a_name_and_can_be_reached_by_the_tab_key(drawing: Drawing):
    drawing.draw(LINE)
    drawing.settle()
    assert {role: count(drawing, role) for role in CONTROLS} == CONTROLS
    assert {role: count(drawing, role, SOME_NAME) for role in CONTROLS} == CONTROLS
    assert drawing.page.evaluate("document.querySelectorAll('[tabindex]').length") == 0


def test_every_picture_has_a_caption_and_a_name(drawing: Drawing):
    drawing.draw(LINE)
    drawing.click("#keep-a")
    drawing.click("#keep-b")
    drawing.settle()

    captions = drawing.page.evaluate(
        "[...document.querySelectorAll('canvas, svg')]"
        ".map((picture) => picture.closest('figure')?.querySelector('figcaption')?.innerText ?? '')"
    )
    assert len(captions) == 6 + 2 + 9 + 16
    assert [caption for caption in captions if not caption.strip()] == []
    assert count(drawing, "img", "Reconstruction") == 1
    assert count(drawing, "img") == count(drawing, "img", SOME_NAME)


def test_a_screen_reader_reads_the_score(drawing: Drawing):
    assert drawing.page.evaluate("document.querySelector('#score-value').closest('[aria-live]').ariaLive") == "polite"


def test_without_a_model_the_page_says_so_and_loads_it_when_it_is_pushed(
    look_at: Callable[..., Drawing], grey_vae: Path, tmp_path: Path
):
    server = LocalServer(tmp_path)
    with server.running():
        drawing = look_at(server.address)
        drawing.page.goto(server.address)
        drawing.page.wait_for_selector("[data-state='missing']")
        assert drawing.text("#notice").startswith("There is no model yet")
        assert not drawing.is_shown("main")

        server.push(grey_vae, 1)
        drawing.page.wait_for_selector("#samples button:nth-child(16)")
        assert not drawing.is_shown("#notice")
        assert drawing.text("#facts").startswith(
            "Version 1: a variational autoencoder with 12 latent dimensions, for grey images"
        )


def test_the_page_loads_a_newer_version_of_another_kind_and_shape(
    look_at: Callable[..., Drawing], grey_vae: Path, colour_ae: Path, tmp_path: Path
):
    server = LocalServer(tmp_path)
    server.push(grey_vae, 1)
    with server.running():
        drawing = look_at(server.address, NARROW)
        drawing.open()
        drawing.draw(LINE)
        server.push(colour_ae, 2)
        wait_until(lambda: server.states().get(2) == "AVAILABLE")

        drawing.click("#new-samples")
        drawing.page.wait_for_selector("text=Version 2: an autoencoder")
        assert drawing.text("#facts").endswith("for colour images of 24 \u00d7 20 pixels.")
        assert drawing.text("#map-missing").startswith("This model was exported without a latent map")
        assert not drawing.is_shown("#map")
        drawing.settle()
        drawing.draw(LINE)
        drawing.click("#keep-a")
        drawing.click("#samples button")
        drawing.settle()
        drawing.click("#keep-b")
        drawing.settle()
        assert drawing.is_shown("#path-figure")
        for selector in ("#seen", "#reconstruction", "#decoded", "#path canvas", "#samples canvas"):
            assert drawing.pixels(selector).shape == (20, 24, 3)
            assert drawing.pixels(selector).max() > 0
        assert drawing.is_shown("#score")
        # The version that is gone was asked for once; a browser writes that down by itself.
        assert [problem for problem in drawing.problems if "404" not in problem] == []


def test_the_page_reconnects_to_a_restarted_server_and_keeps_the_drawing(
    look_at: Callable[..., Drawing], grey_vae: Path, tmp_path: Path
):
    server = LocalServer(tmp_path)
    server.push(grey_vae, 1)
    with server.running():
        drawing = look_at(server.address)
        drawing.open()
        drawing.draw(LINE)
        seen = drawing.pixels("#seen")
    drawing.click("#new-samples")
    drawing.page.wait_for_selector("[data-state='gone']")
    assert drawing.text("#notice").startswith("The server does not answer. Start it again with tfx-vae serve")

    with server.running():
        drawing.page.wait_for_selector("[data-state='ready']")
        drawing.settle()
        np.testing.assert_array_equal(drawing.pixels("#seen"), seen)
        assert drawing.is_shown("#score")
