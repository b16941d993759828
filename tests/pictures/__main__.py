"""Draw the pictures of `docs/pictures` anew: `python -m tests.pictures`; it needs Chromium."""

import asyncio
import shutil
import sys
from pathlib import Path

from playwright.async_api import async_playwright

from tests.pictures.card import FOLDER, PLATFORMS, payload
from tests.pictures.draw import page

SCALE = 1.4


async def draw(folder: Path) -> list[Path]:
    """Write one PNG for each platform; returns them."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("Chromium is not installed (Debian: apt-get install chromium).")
    made = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        view = await browser.new_page(
            viewport={"width": 540, "height": 800}, device_scale_factor=SCALE
        )
        for name in PLATFORMS:
            await view.set_content(page(name, payload(name)))
            path = folder / f"card-{name}.png"
            await view.locator("#sheet").screenshot(path=path)
            made.append(path)
        await browser.close()
    return made


if __name__ == "__main__":
    for written in asyncio.run(draw(FOLDER)):
        print(f"{written.name}: {written.stat().st_size:,} bytes")
