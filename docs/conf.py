"""Configuration of Sphinx for the pages of this folder; `make docs` builds them with every warning as an error."""

import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
# For command_line.py beside this file.
sys.path.insert(0, str(Path(__file__).parent))

project = "flushpump"
author = "the flushpump authors"
release = metadata.version("flushpump")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "tests"]
nitpicky = False

# Anchors of headings, so that `page.md#heading` is a link that Sphinx checks.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}

html_theme = "furo"
html_title = f"flushpump {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
pygments_style = "friendly"
