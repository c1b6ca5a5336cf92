"""Two small models, the real server over them, and a browser to look at its page."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.browser import Page, chromium
from support.digits import raw_examples, read_digits, train, transform
from support.served_page import WIDE, Drawing, Site

from components.artifacts.loaded_model import LoadedModel

LATENT_DIM = 12
COLOUR_SHAPE = (20, 24, 3)


@pytest.fixture(scope="session")
def grey_vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of grey digits with twelve latent dimensions, of which the page shows ten."""
    directory, digits = tmp_path_factory.mktemp("grey"), raw_examples(read_digits(300))
    data = transform({"train": digits[:240], "eval": digits[240:]}, directory / "data")
    return train(data, directory, {"latent_dim": LATENT_DIM}, {"epochs": 6, "batch_size": 20}).serving_model


@pytest.fixture(scope="session")
def colour_ae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An autoencoder of colour images that are not square, exported before there were latent maps."""
    directory, digits = tmp_path_factory.mktemp("colour"), raw_examples(read_digits(80))
    data = transform({"train": digits[:60], "eval": digits[60:]}, directory / "data", image_shape=list(COLOUR_SHAPE))
    model = train(data, directory, {"kind": "ae"}, {"epochs": 2, "batch_size": 20}).serving_model
    (model / "assets.extra" / "latent_map.json").unlink()
    return model


@pytest.fixture(scope="session")
def model(grey_vae: Path) -> LoadedModel:
    """What the grey VAE itself answers."""
    return LoadedModel(grey_vae)


@pytest.fixture(scope="session")
def address(grey_vae: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the grey VAE's page."""
    site = Site(tmp_path_factory.mktemp("serving") / "digits")
    site.push(grey_vae, 1)
    with site.running():
        yield site.address


@pytest.fixture(scope="session")
def browser() -> Iterator[Page]:
    with chromium() as page:
        yield page


@pytest.fixture
def look_at(browser: Page) -> Callable[[str], Drawing]:
    """Looks at the page of a server, from an empty tab."""

    def look(address: str) -> Drawing:
        browser.forget()
        return Drawing(browser, address)

    return look


@pytest.fixture
def drawing(request: pytest.FixtureRequest, address: str, look_at: Callable[[str], Drawing]) -> Iterator[Drawing]:
    """The grey VAE's page in a wide window, or the one given; nothing may go wrong in it, and it may ask nobody else."""
    drawing = look_at(address)
    drawing.open(*getattr(request, "param", WIDE))
    yield drawing
    assert drawing.page.problems == []
    assert [url for url in drawing.page.requests if not url.startswith(address)] == []
