"""An owner's browser, beside a whole program."""

import re
from typing import Any

import aiohttp


class Owner:
    """Signed in by a link; `close` it in the end."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.session = aiohttp.ClientSession(
            base, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": base}
        )

    async def sign_in(self, link: str) -> None:
        """Open a sign-in link and press its button."""
        path = link.removeprefix(self.base)
        async with self.session.post(path, allow_redirects=False) as response:
            assert response.status == 303, await response.text()
        async with self.session.get("/chat") as response:
            token = re.search(r'csrf" content="([^"]+)"|data-csrf="([^"]+)"', await response.text())
        assert token
        self.session.headers["X-CSRF-Token"] = token[1] or token[2]

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the API."""
        async with self.session.request(method, path, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def close(self) -> None:
        await self.session.close()
