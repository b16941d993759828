"""Files as agents use them: what the person may read, its text page by page, and new ones.

An agent acts for the person whose conversation it is in and sees that person's files and the shared
ones: never more, not even for an owner. Without a person there are the shared ones alone.
"""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence

from bot.core.errors import Forbidden, Invalid, NotFound
from bot.core.event import Attachment
from bot.core.tool import ToolContext
from bot.files.drawing import Drawing, Drawn
from bot.files.files import Files, NewFile
from bot.frozen import frozen
from bot.store.files import File

PAGE_CHARS = 6000
LISTED = 50
REMEMBERED = 16
"""Texts that are kept in memory, so that the next page costs nothing."""


@frozen
class TextPage:
    """A page of a file's text."""

    file: File
    text: str
    page: int
    pages: int
    note: str


class Library:
    """Lists, reads and saves."""

    def __init__(self, files: Files, drawing: Drawing | None = None) -> None:
        self.files = files
        self._drawing = drawing or Drawing()
        self._texts: OrderedDict[tuple[str, str], Drawn] = OrderedDict()

    async def list(self, ctx: ToolContext) -> Sequence[File]:
        """The newest files that the person may read."""
        return await self.files.page_of(ctx.tenant, ctx.person or "", limit=LISTED)

    async def read(self, ctx: ToolContext, id_: str, page: int) -> TextPage:
        """A page of a file's text, from 1. Raises NotFound, NoText, Invalid."""
        item = await self._get(ctx, id_)
        drawn = await self._drawn(item)
        pages = paged(drawn.text)
        if page > len(pages):
            raise Invalid(f"The file has {len(pages)} pages.")
        return TextPage(
            file=item, text=pages[page - 1], page=page, pages=len(pages), note=drawn.note
        )

    async def attachment(self, ctx: ToolContext, id_: str) -> Attachment:
        """A file that the person may read, as a message carries it. Raises NotFound."""
        item = await self._get(ctx, id_)
        return Attachment(
            name=item.name,
            media_type=item.media_type,
            size=item.size,
            sha256=item.sha256,
            source=item.id,
        )

    async def whole(self, ctx: ToolContext, id_: str) -> tuple[File, bytes]:
        """A file that the person may read, and its bytes. Raises NotFound, StoreError."""
        item = await self._get(ctx, id_)
        return item, await self.files.whole(item)

    async def text_of(self, data: bytes) -> Drawn:
        """The text of bytes that are not kept here. Raises NoText."""
        return await self._drawing.draw(data)

    async def _get(self, ctx: ToolContext, id_: str) -> File:
        item = await self.files.find(ctx.tenant, id_)
        is_own = item is not None and ctx.person is not None and item.person == ctx.person
        if item is None or not (is_own or item.shared):
            raise NotFound("There is no such file here. file_list names those that there are.")
        return item

    async def save(self, ctx: ToolContext, name: str, text: str) -> File:
        """Keep a text as the person's file: once for a call, however often it is made."""
        if ctx.person is None:
            raise Forbidden("A file belongs to a person, and nobody is asking here.")
        digest = hashlib.sha256(f"{ctx.tenant} {ctx.key}".encode()).hexdigest()
        new = NewFile(
            tenant=ctx.tenant,
            person=ctx.person,
            name=name,
            media_type="text/plain",
            id=f"fil_{digest[:26].upper()}",
        )
        return await self.files.keep(new, _pieces(text.encode()))

    async def _drawn(self, item: File) -> Drawn:
        key = (item.tenant, item.id)
        if key not in self._texts:
            drawn = await self._drawing.draw(await self.files.whole(item))
            self._texts[key] = drawn
            while len(self._texts) > REMEMBERED:
                self._texts.popitem(last=False)
        self._texts.move_to_end(key)
        return self._texts[key]


def paged(text: str) -> Sequence[str]:
    """Text in pages of at most PAGE_CHARS, cut at an end of line where there is one near."""
    pages = []
    start = 0
    while start < len(text):
        end = start + PAGE_CHARS
        if end < len(text):
            line = text.rfind("\n", end - PAGE_CHARS // 4, end)
            end = line + 1 if line > 0 else end
        pages.append(text[start:end])
        start = end
    return pages


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data
