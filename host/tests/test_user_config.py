"""The user's config.toml: defaults and units, and one sentence for a mistake."""

import os
from pathlib import Path as FilePath

import platformdirs
import pytest
from flushpump import user_config
from flushpump.errors import UsageError
from flushpump.units import DisplayUnits

from host.tests.support.own_folder import make_own_folder


@pytest.fixture
def folder(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch) -> FilePath:
    monkeypatch.setenv("FLUSHPUMP_CONFIG", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("xdg", [None, "", "/elsewhere/of user"])
def test_the_folder_is_that_of_platformdirs(monkeypatch: pytest.MonkeyPatch, xdg: str | None):
    monkeypatch.delenv("FLUSHPUMP_CONFIG")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if xdg is not None:
        monkeypatch.setenv("XDG_CONFIG_HOME", xdg)
    assert user_config.folder() == FilePath(platformdirs.user_config_dir("flushpump"))


def test_defaults_and_units_are_read(folder: FilePath):
    make_own_folder(folder)
    config = user_config.load()
    assert (config.line, config.syringe, config.operator, config.needle) == ("bench-line", "acme-10", "Ana", None)
    assert config.units == DisplayUnits("mmHg", "mL/min")


def test_an_empty_folder_gives_no_defaults(folder: FilePath):
    assert user_config.load() == user_config.UserConfig()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port = ", "config.toml is not valid TOML"),
        ("prot = 'x'", "config.toml, prot is not known; did you mean port?"),
        ("port = 3", "config.toml, port is 3; put a text in quotes"),
        ("operator = ''", "config.toml, operator has 0 characters; write 1 to 80, or remove it"),
        ("operator = '" + 81 * "x" + "'", "operator has 81 characters"),
        ('operator = "a\\nb"', "write one line of printable characters"),
        ("units = 'SI'", "config.toml, units is not a table; begin it with [units]"),
        (
            "[units]\npressure = 'bar'",
            "config.toml, units, pressure is 'bar', which is not known; give one of kPa, psi",
        ),
        ("[units]\nvolume = 'mL'", "config.toml, units, volume is not known"),
    ],
)
def test_a_mistake_is_one_sentence(folder: FilePath, text: str, sentence: str):
    (folder / "config.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        user_config.load()
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fifo_or_a_folder_as_file_is_refused_at_once(folder: FilePath):
    os.mkfifo(folder / "config.toml")
    with pytest.raises(UsageError, match="is a fifo, not a file"):
        user_config.load()


def test_a_folder_that_is_none_is_refused(folder: FilePath, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUSHPUMP_CONFIG", str(folder / "absent"))
    with pytest.raises(UsageError, match=r"FLUSHPUMP_CONFIG names .*absent, which is not a folder"):
        user_config.load()
