"""The catalog: the entries of the package, and those of the user's configuration folder."""

from functools import lru_cache
from pathlib import Path as FilePath

from flushpump import user_config
from flushpump.access.catalog_files import read_own, read_shipped
from flushpump.access.parts import Catalog


def load() -> Catalog:
    """The catalog of the package with the user's own entries. UsageError names the first mistake in a user's file."""
    return _with_own(user_config.folder() / "catalog")


@lru_cache(maxsize=1)
def shipped() -> Catalog:
    """The catalog that comes with the package."""
    return read_shipped()


@lru_cache(maxsize=8)
def _with_own(folder: FilePath) -> Catalog:
    catalog, faults = read_own(folder, shipped())
    for problems in faults.values():
        if problems:
            raise problems[0]
    return catalog
