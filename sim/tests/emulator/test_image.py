"""Where the image comes from; and the one line that reports when the whole suite is not run."""

from pathlib import Path

import pytest
from flushsim.emulator import image


def test_the_suite_has_an_image_to_run(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--target") != "emulator":
        pytest.skip("the emulator suite is not run: `make emulator` runs it, which needs an image of MicroPython")
    found = image.find()
    assert image.release(found) >= image.OLDEST or image.release(found) == image.UNKNOWN
    assert image.banner(found).startswith("MicroPython v1.")


def test_without_an_image_one_sentence_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(image.VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(image.NoImageError, match=r"set FLUSHPUMP_UF2 to RPI_PICO's \.uf2"):
        image.find()


def test_a_name_that_is_neither_file_nor_release_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(image.VARIABLE, "/nowhere/pico.uf2")
    with pytest.raises(image.NoImageError, match="/nowhere/pico"):
        image.find()


def test_a_cached_release_serves_when_nothing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(image.VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    cache = tmp_path / ".cache" / "rp2040py"
    cache.mkdir(parents=True)
    for name in ("RPI_PICO-20210902-v1.17.uf2", "RPI_PICO-20250911-v1.26.1.uf2", "RPI_PICO_W-20250911-v1.27.0.uf2"):
        (cache / name).touch()
    assert image.find().name == "RPI_PICO-20250911-v1.26.1.uf2"


def test_a_cache_with_old_releases_only_does_not_serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(image.VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    cache = tmp_path / ".cache" / "rp2040py"
    cache.mkdir(parents=True)
    (cache / "RPI_PICO-20230426-v1.20.0.uf2").touch()
    with pytest.raises(image.NoImageError):
        image.find()
