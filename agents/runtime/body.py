"""The body of a request to a model: what is of this call, and the tools, which all calls share.

The tools are nine tenths of a usual request. aiohttp keeps a body for as long as it waits for the
answer; so this one keeps its own part and puts the tools to it while it is written.
"""

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

PIECE = 64 << 10
"""Bytes that are written at a time; in between the others have their turn."""


class Body(Payload):
    """JSON of an object, in two parts."""

    def __init__(self, text: str, tools: str = "") -> None:
        """`text` is an object, `tools` the list for its field `tools`; both are plain ASCII."""
        super().__init__(text.encode("ascii"), content_type="application/json")
        self._tools = tools
        self._size = len(text) + (len(tools) + len(', "tools": ') if tools else 0)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The whole as text."""
        text: str = self._value.decode("ascii")
        return f'{text[:-1]}, "tools": {self._tools}}}' if self._tools else text

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the whole; at once where it is short, which saves a packet."""
        whole = self.decode().encode("ascii")
        if len(whole) <= PIECE:
            await writer.write(whole)
            return
        for at in range(0, len(whole), PIECE):
            await writer.write(whole[at : at + PIECE])
