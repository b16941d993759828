"""Lighthouse on the demo's pages: prints its scores and times, asserts nothing.

`python -m tests.browser.lighthouse [desktop|mobile]`. It needs Node and Chromium, and Lighthouse in
the cache: `npm install --prefix ~/.cache/switchboard lighthouse`. Times depend on the machine.
"""

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.conftest import serving
from tests.browser.furniture import furnish
from tests.browser.house import House

PROGRAM = Path.home() / ".cache/switchboard/node_modules/lighthouse/cli/index.js"
CATEGORIES = ("performance", "accessibility", "best-practices")
TIMES = {
    "first-contentful-paint": "FCP ms",
    "largest-contentful-paint": "LCP ms",
    "total-blocking-time": "TBT ms",
    "cumulative-layout-shift": "CLS",
}


async def measure(url: str, preset: str, folder: Path) -> dict[str, Any]:
    """Run Lighthouse on one address and return its report."""
    report = folder / "report.json"
    flags = "--headless=new --no-sandbox --disable-background-networking"
    shape = ["--preset=desktop"] if preset == "desktop" else []
    command = [
        "node", str(PROGRAM), url, "--quiet", "--output=json", f"--output-path={report}",
        f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags={flags}", *shape,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, env={"PATH": "/usr/bin:/bin", "CHROME_PATH": shutil.which("chromium") or ""}
    )
    await process.wait()
    found: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return found


async def main(preset: str) -> None:
    house = House()
    furnish(house)
    first = next(iter(house.talks))
    paths = (
        "/chat",
        f"/chat/{first}",
        "/admin",
        "/admin/events",
        "/admin/events/evt_00001",
        "/in/CODE",
        "/blog",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with serving(house, folder) as (url, _):
            for path in paths:
                report = await measure(url + path, preset, folder)
                scores = [
                    f"{kind} {report['categories'][kind]['score'] * 100:.0f}" for kind in CATEGORIES
                ]
                times = [
                    f"{words} {report['audits'][id_]['numericValue']:.3g}"
                    for id_, words in TIMES.items()
                ]
                failed = [
                    id_
                    for id_, audit in report["audits"].items()
                    if audit["score"] is not None and audit["score"] < 0.9
                ]
                print(
                    f"{path}: {', '.join([*scores, *times])}; below 90: {', '.join(failed) or 'none'}"
                )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "desktop"))
