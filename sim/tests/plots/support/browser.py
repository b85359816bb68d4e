"""A headless browser, if this machine has one: what a page becomes when it is really shown."""

import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "chrome-headless-shell")
MISSING = f"no browser was found on PATH ({', '.join(NAMES)}), so the page was not looked at in one"


def found() -> str | None:
    """The browser's path, None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def _call(page: Path, *options: str) -> str:
    browser = found()
    assert browser is not None
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,1000",
        "--virtual-time-budget=3000", f"--user-data-dir={page.parent / 'browser'}", *options, page.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


def text_of(page: Path, script: str) -> str:
    """The page's HTML after `script` was run in it, when it had been loaded."""
    copy = page.with_name("driven.html")
    source = page.read_text(encoding="utf-8")
    copy.write_text(source.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return _call(copy, "--dump-dom")


def screenshot(page: Path, file: Path, dark: bool = False) -> None:
    """The page as 1280 x 1000 pixels."""
    _call(page, f"--screenshot={file}", *(["--blink-settings=preferredColorScheme=0"] if dark else []))
