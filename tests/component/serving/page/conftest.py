"""Two small models, the real server over them, and a browser that shows its page."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from support.digits import raw_examples, read_digits, train, transform
from support.local_server import LocalServer
from support.served_page import WIDE, Drawing, Window, chromium

from components.artifacts.labels import write_label_names
from components.artifacts.loaded_model import LoadedModel

LATENT_DIM = 12
LABELS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COLOUR_SHAPE = (20, 24, 3)


@pytest.fixture(scope="session")
def grey_vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of grey digits with twelve latent dimensions, of which the page shows ten, and with names of its labels."""
    directory, digits = tmp_path_factory.mktemp("grey"), raw_examples(read_digits(300))
    (directory / "data" / "raw").mkdir(parents=True)
    write_label_names(str(directory / "data" / "raw"), LABELS)  # where ExampleGen writes them
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
    """The grey VAE itself."""
    return LoadedModel(grey_vae)


@pytest.fixture(scope="session")
def address(grey_vae: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server of the grey VAE."""
    server = LocalServer(tmp_path_factory.mktemp("serving"))
    server.push(grey_vae, 1)
    with server.running():
        yield server.address


# Not for the session: while Playwright runs, other tests cannot call asyncio.run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def look_at(browser: Browser) -> Iterator[Callable[..., Drawing]]:
    """Shows the page of a server in a new window."""
    drawings: list[Drawing] = []

    def look(address: str, window: Window = WIDE) -> Drawing:
        drawings.append(Drawing(browser, address, window))
        return drawings[-1]

    yield look
    for drawing in drawings:
        drawing.page.close()


@pytest.fixture
def drawing(request: pytest.FixtureRequest, address: str, look_at: Callable[..., Drawing]) -> Iterator[Drawing]:
    """The page of the grey VAE in a wide window, or the one given; it may have no problems, and ask no other server."""
    drawing = look_at(address, getattr(request, "param", WIDE))
    drawing.open()
    yield drawing
    assert drawing.problems == []
    assert [url for url in drawing.requests if not url.startswith(address)] == []
