"""What is computed from codes, on codes whose answer is known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from components.artifacts.latent_map import draw_map
from components.report import latent_space
from components.report.findings import Codes
from components.report.latent_space import (
    aggregate_posterior,
    beside_prior_figure,
    interpolate,
    manifold,
    principal_components,
    tsne,
)
from components.report.page import Figure, Note
from components.trainer.latent_survey import write_map


class Plane:
    """A model of images of two pixels that are their own codes."""

    latent_dim = 2
    image_shape = (1, 2, 1)

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def encode(self, images: np.ndarray) -> Codes:
        return Codes(images.reshape(-1, 2), None)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return codes.reshape(-1, 1, 2, 1).astype(np.float32)


PLANE: Any = Plane(Path())


def test_the_principal_components_of_points_on_a_line_are_the_line():
    places = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    codes = np.outer(places, [0.6, 0.0, 0.8]).astype(np.float32)
    points, variance = principal_components(codes, 3)
    assert np.abs(points[:, 0]) == pytest.approx([2.0, 1.0, 0.0], abs=1e-6)
    assert points[:, 1] == pytest.approx(0.0, abs=1e-6)
    assert variance == pytest.approx([1.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("shape", [(5, 1), (1, 4), (6, 2)])
def test_codes_of_one_dimension_or_a_single_code_can_be_projected(shape: tuple[int, int]):
    points, variance = principal_components(np.random.default_rng(0).normal(size=shape).astype(np.float32), 10)
    assert points.shape == (shape[0], 2)
    assert np.isfinite(points).all()
    assert np.isfinite(variance).all()


def test_tsne_keeps_two_distant_groups_apart_and_is_the_same_each_time():
    random = np.random.default_rng(0)
    codes = np.concatenate([random.normal(0, 1, (20, 8)), random.normal(40, 1, (20, 8))]).astype(np.float32)
    points = tsne(codes, seed=3)
    first, second = points[:20], points[20:]
    apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert apart > 2 * max(np.ptp(first, axis=0).max(), np.ptp(second, axis=0).max()) / 2
    assert np.array_equal(points, tsne(codes, seed=3))


def test_the_aggregate_posterior_has_the_variance_of_the_means_and_of_the_posteriors():
    count, stddev = 200_000, np.array([0.5, 2.0])
    mean = np.random.default_rng(1).normal([1.0, -2.0], [0.75, 0.1], (count, 2)).astype(np.float32)
    log_variance = np.broadcast_to(2 * np.log(stddev), mean.shape).astype(np.float32)
    draws = aggregate_posterior(Codes(mean, log_variance), seed=0)
    assert draws.mean(axis=0) == pytest.approx([1.0, -2.0], abs=0.02)
    assert draws.var(axis=0) == pytest.approx([0.75**2 + 0.5**2, 0.1**2 + 2.0**2], rel=0.02)


def test_codes_without_a_posterior_are_as_they_are():
    codes = np.random.default_rng(2).normal([5, 0], [3, 0.1], size=(50, 2)).astype(np.float32)
    assert np.array_equal(aggregate_posterior(Codes(codes, None), seed=0), codes)


def findings_of(directory: Path, log_variance: Any = None) -> Any:
    model = SimpleNamespace(directory=directory, has_posterior=log_variance is not None)
    codes = Codes(np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32), log_variance)
    return SimpleNamespace(model=model, codes=codes, config=SimpleNamespace(seed=0))


def test_the_figure_beside_the_prior_is_of_the_models_own_prior_and_only_a_vae_is_compared_with_the_standard_normal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    given: list[tuple[Any, ...]] = []

    def draw(*arguments: Any) -> bytes:
        given.append(arguments)
        return b""

    monkeypatch.setattr(latent_space, "beside_prior", draw)
    prior = np.tile(np.arange(101.0)[:, None], 2).astype(np.float32)
    write_map(draw_map(np.eye(2, dtype=np.float32), None, [0, 0], None, prior), str(tmp_path))

    for log_variance in (None, np.zeros((100, 2))):
        assert isinstance(beside_prior_figure(findings_of(tmp_path, log_variance), "first-"), Figure)

    for _, coordinates, lengths, _ in given:
        assert coordinates == pytest.approx(range(101))
        assert lengths == pytest.approx(np.sqrt(2) * np.arange(101), rel=1e-3)
    assert [beside_normal for *_, beside_normal in given] == [False, True]


def test_a_model_of_an_earlier_version_has_a_note_instead(tmp_path: Path):
    assert isinstance(beside_prior_figure(findings_of(tmp_path)), Note)


def test_the_middle_of_a_quarter_circle_is_shorter_on_the_line_than_on_the_arc():
    starts, ends = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    linear, spherical = interpolate(
        PLANE, starts.reshape(1, 1, 2, 1).astype(np.float32), ends.reshape(1, 1, 2, 1).astype(np.float32), steps=3
    )
    assert linear.reshape(3, 2) == pytest.approx(np.array([[1, 0], [0.5, 0.5], [0, 1]]), abs=1e-6)
    assert spherical.reshape(3, 2) == pytest.approx(np.array([[1, 0], [2**-0.5, 2**-0.5], [0, 1]]), abs=1e-6)


def test_the_manifold_goes_in_equal_steps_of_the_priors_probability_and_its_second_coordinate_grows_upwards(tmp_path: Path):
    model: Any = Plane(tmp_path)
    # The second dimension has the greater variance, so that it comes first in the map.
    prior = np.stack([np.linspace(0, 1, 10_001), np.linspace(10, 40, 10_001)], axis=1)
    write_map(draw_map(np.diag([1, 9]).astype(np.float32), None, [0, 0], None, prior.astype(np.float32)), str(tmp_path))
    codes = manifold(model, steps=5).reshape(5, 5, 2)
    assert codes[0, :, 0] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], rel=1e-3)
    assert codes[:, 0, 1] == pytest.approx([37, 31, 25, 19, 13], rel=1e-3)


def test_the_manifold_of_a_model_of_an_earlier_version_shows_the_standard_normal(tmp_path: Path):
    model: Any = Plane(tmp_path)
    codes = manifold(model, steps=5).reshape(5, 5, 2)
    assert codes[0, :, 0] == pytest.approx(stats.norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9]), abs=1e-6)
