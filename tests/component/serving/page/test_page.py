"""The page itself: for whom it can be used, and what it says when something is not there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.served_page import NARROW, WIDE, Drawing, Site

both_windows = pytest.mark.parametrize("drawing", [WIDE, NARROW], indirect=True, ids=["wide", "narrow"])
LINE = [(0.2, 0.2), (0.5, 0.4), (0.8, 0.8)]


@both_windows
def test_everything_fits_into_the_window(drawing: Drawing):
    drawing.draw(LINE)
    drawing.page.click("#keep-a")
    drawing.page.click("#keep-b")
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
    nodes = drawing.page.call("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in nodes if node.get("role", {}).get("value") in {"button", "slider", "spinbutton"}]
    assert len(controls) == 10 + 10 + 16 + 7
    assert [node for node in controls if not node["name"]["value"].strip()] == []
    assert drawing.page.evaluate("document.querySelectorAll('[tabindex]').length") == 0


def test_every_picture_has_a_caption_and_a_name(drawing: Drawing):
    drawing.draw(LINE)
    drawing.page.click("#keep-a")
    drawing.page.click("#keep-b")
    drawing.settle()

    captions = drawing.page.evaluate(
        "[...document.querySelectorAll('canvas, svg')]"
        ".map((picture) => picture.closest('figure')?.querySelector('figcaption')?.innerText ?? '')"
    )
    assert len(captions) == 6 + 1 + 9 + 16
    assert [caption for caption in captions if not caption.strip()] == []
    nodes = drawing.page.call("Accessibility.getFullAXTree")["nodes"]
    pictures = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "image"]
    assert "Reconstruction" in pictures
    assert "" not in pictures


def test_the_score_is_said_aloud(drawing: Drawing):
    assert drawing.page.evaluate("document.querySelector('#score-value').closest('[aria-live]').ariaLive") == "polite"


def test_without_a_model_the_page_says_so_and_goes_on_once_there_is_one(
    look_at: Callable[[str], Drawing], grey_vae: Path, tmp_path: Path
):
    site = Site(tmp_path / "digits")
    with site.running():
        drawing = look_at(site.address)
        drawing.page.open(site.address, *WIDE)
        drawing.page.wait_for("document.body.dataset.state === 'missing'")
        assert drawing.text("#notice").startswith("There is no model yet")
        assert not drawing.is_shown("main")

        site.push(grey_vae, 1)
        drawing.page.wait_for("document.querySelectorAll('#samples button').length === 16")
        assert not drawing.is_shown("#notice")
        assert drawing.text("#facts").startswith(
            "Version 1: a variational autoencoder with 12 latent dimensions, for grey images"
        )


def test_a_newer_version_takes_over_whatever_it_is(
    look_at: Callable[[str], Drawing], grey_vae: Path, colour_ae: Path, tmp_path: Path
):
    site = Site(tmp_path / "digits")
    site.push(grey_vae, 1)
    with site.running():
        drawing = look_at(site.address)
        drawing.open(*NARROW)
        drawing.draw(LINE)
        site.push(colour_ae, 2)
        site.wait_for(2)

        drawing.page.click("#new-samples")
        drawing.page.wait_for("document.querySelector('#facts').textContent.startsWith('Version 2: an autoencoder')")
        assert drawing.text("#facts").endswith("for colour images of 24 \u00d7 20 pixels.")
        assert drawing.text("#map-missing").startswith("This model was exported without a latent map")
        assert not drawing.is_shown("#map")
        drawing.settle()
        drawing.draw(LINE)
        drawing.page.click("#keep-a")
        drawing.page.click("#samples button")
        drawing.settle()
        drawing.page.click("#keep-b")
        drawing.settle()
        assert drawing.is_shown("#path-figure")
        for selector in ("#seen", "#reconstruction", "#decoded", "#path canvas", "#samples canvas"):
            assert drawing.pixels(selector).shape == (20, 24, 3)
            assert drawing.pixels(selector).max() > 0
        assert drawing.is_shown("#score")
        # The version that is gone was asked for once; a browser writes that down by itself.
        assert [problem for problem in drawing.page.problems if "404" not in problem] == []


def test_a_server_that_is_gone_is_missed_and_found_again_with_the_drawing_still_there(
    look_at: Callable[[str], Drawing], grey_vae: Path, tmp_path: Path
):
    site = Site(tmp_path / "digits")
    site.push(grey_vae, 1)
    with site.running():
        drawing = look_at(site.address)
        drawing.open(*WIDE)
        drawing.draw(LINE)
        seen = drawing.pixels("#seen")
    drawing.page.click("#new-samples")
    drawing.page.wait_for("document.body.dataset.state === 'gone'")
    assert drawing.text("#notice").startswith("The server does not answer. Start it again with tfx-vae serve")

    with site.running():
        drawing.page.wait_for("document.body.dataset.state === 'ready'")
        drawing.settle()
        np.testing.assert_array_equal(drawing.pixels("#seen"), seen)
        assert drawing.is_shown("#score")
