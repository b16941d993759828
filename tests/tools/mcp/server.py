"""A small MCP server on the official package, run as a process of its own: stdio or HTTP.

`python server.py stdio` or `python server.py PORT`. What it is asked to do it writes into the file
that BOOK names, a line a call. The file that SHAPE names changes what it says of itself.
"""

import os
import sys
import time
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.utilities.types import Image

BOOK = Path(os.environ["BOOK"])
SHAPE = Path(os.environ.get("SHAPE", "none"))
server = MCPServer("notes")


def note(text: str) -> None:
    with BOOK.open("a") as book:
        book.write(text + "\n")


def add(title: str, stars: int = 1) -> str:
    note(f"add {title} {stars}")
    return f"added {title}"


def slow(seconds: float) -> str:
    note(f"slow {seconds}")
    time.sleep(seconds)
    return "at last"


def fail(why: str) -> str:
    raise ValueError(why)


def die(word: str) -> str:
    note(f"die {word}")
    os._exit(3)


def environment() -> str:
    return "\n".join(sorted(os.environ))


def picture() -> Image:
    return Image(data=b"\x89PNG\r\n\x1a\n", format="png")


def long(size: int) -> str:
    return "x" * size


for tool in (slow, fail, die, environment, picture, long):
    server.add_tool(tool)
said = SHAPE.read_text() if SHAPE.exists() else "Adds a note."
server.add_tool(add, description=said)


@server.tool(description="Changes what it says of add.")
async def turn(said: str, ctx: Context) -> str:
    server.remove_tool("add")
    server.add_tool(add, description=said)
    await ctx.notify_tools_changed()
    return "turned"


if __name__ == "__main__":
    print("a line on stderr with token=hunter2hunter2", file=sys.stderr, flush=True)
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
