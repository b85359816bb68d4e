"""A user's catalog entries are checked like the shipped ones and merged with them; each mistake is one sentence."""

from pathlib import Path as FilePath

import pytest
from flushpump.access.access_path import AccessPath
from flushpump.access.catalog import load, shipped
from flushpump.access.catalog_files import read_own
from flushpump.errors import UsageError

from host.tests.support.own_folder import make_own_folder


@pytest.fixture
def own(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch) -> FilePath:
    monkeypatch.setenv("FLUSHPUMP_CONFIG", str(tmp_path))
    return make_own_folder(tmp_path)


def test_own_entries_are_merged_with_the_shipped_ones_and_marked_as_own(own: FilePath):
    path = AccessPath.of("bench-line", "none", "acme-10", "bench-extension")
    assert path.line.volume_ml == pytest.approx(0.9**2 * 3.14159 / 4 * 480 / 1000, rel=1e-4)
    assert path.line.sources["bore_mm"].own
    assert load().needle("bench-needle").bore_mm == 0.6
    assert not load().line("picc-4f").sources["bore_mm"].own
    assert "bench-line" not in shipped().lines


def test_without_a_folder_the_catalog_is_the_shipped_one(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUSHPUMP_CONFIG", str(tmp_path))
    assert load() == shipped()


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        (
            "lines",
            "[bench-line]",
            "[picc-4f]",
            "picc-4f is the name of an entry of flushpump's own catalog; use another",
        ),
        ("lines", "[bench-line]", '["Bench line"]', "Bench line is not a possible name; use up to 40 of a to z"),
        ("lines", "0.9,", "90,", "bench-line, bore_mm is 90; give a number from 0.1 to 10"),
        ("lines", "0.9,", "nan,", "bench-line, bore_mm is nan; give a number from 0.1 to 10"),
        ("lines", "0.9,", '"0.9 mm",', "bench-line, bore_mm is '0.9 mm'; give a number without quotes and unit"),
        ("lines", '[0.9, "S", "gauge pin"]', "0.9", "bench-line, bore_mm is 0.9; write [value, mark, source], as in"),
        ("lines", '"S", "gauge', '"Q", "gauge', "bench-line, bore_mm has the mark 'Q'; give one of S, R-h"),
        ("lines", '"S", "gauge', '["S"], "gauge', "bench-line, bore_mm has the mark ['S']; give one of S, R-h"),
        ("lines", "gauge pin", " ", "bench-line, bore_mm has no source; write where the value comes from"),
        ("lines", "bore_mm", "bore", "bench-line, bore has no unit; write bore_mm"),
        ("lines", "length_mm", "lenght_mm", "bench-line, lenght_mm is not known; did you mean length_mm?"),
        ("lines", '"picc"', '"foot"', "bench-line, kind is 'foot'; give one of port, picc, tunneled"),
        ("lines", "title", "#", "bench-line, title is missing; write 1 to 80 printable characters in quotes"),
        ("lines", "[bench-line]", "bench-line = 3\n[other]", "bench-line is not a table; begin it with"),
        ("lines", "[bench-line]", "[bench-line", "lines.toml is not valid TOML"),
        ("needles", "length_mm", "#", "bench-needle, length_mm is missing; give bore_mm and length_mm, or neither"),
        ("syringes", "acme]", "bd]", "bd-10 is the name of an entry of flushpump's own catalog; use another name"),
        ("syringes", 'class = "10"', 'class = "12"', "acme-10, class is '12'; begin its values with [sizes.12]"),
        ("syringes", "[12,", "[8,", "acme-10, capacity_ml is 8; give the volume up to the stop, at least 10"),
        ("syringes", "size_ml = 10, ", "", "size_ml is missing; give the size that is printed on the barrel"),
        ("syringes", "barrels = [{", "barrel = [{", "brands.acme, barrel is not known; did you mean barrels?"),
        ("syringes", "[brands.acme]", "[brand.acme]", "syringes, brand is not known; did you mean brands?"),
    ],
)
def test_a_mistake_in_an_own_entry_is_one_sentence(own: FilePath, file: str, old: str, new: str, sentence: str):
    path = own / "catalog" / f"{file}.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    _, faults = read_own(own / "catalog", shipped())
    sentences = [str(problem) for problem in faults[path]]
    assert any(sentence in each for each in sentences), sentences
    assert all(str(path) in each and "\n" not in each for each in sentences)
    with pytest.raises(UsageError):
        load()


def test_every_mistake_of_an_entry_is_named(own: FilePath):
    (own / "catalog" / "needles.toml").write_text('[a]\nbore_mm = 3\nlength = 2\n[b]\ntitle = "b"\n')
    catalog, faults = read_own(own / "catalog", shipped())
    assert len(faults[own / "catalog" / "needles.toml"]) == 4
    assert "a" not in catalog.needles
    assert "b" in catalog.needles


def test_a_file_of_another_name_is_refused_with_the_nearest(own: FilePath):
    (own / "catalog" / "line.toml").write_text("")
    with pytest.raises(UsageError, match=r"line\.toml is not a file of the catalog; did you mean lines\.toml"):
        load()


@pytest.mark.requirement("REQ-PATH-1")
def test_an_own_barrel_narrower_than_that_of_a_10_ml_syringe_is_not_allowed_on_a_central_line(own: FilePath):
    file = own / "catalog" / "syringes.toml"
    file.write_text(file.read_text().replace("15.0,", "12.0,"))
    assert not read_own(own / "catalog", shipped())[0].syringe("acme-10").central_allowed
