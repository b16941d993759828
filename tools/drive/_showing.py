"""Who sees a file: the lines of the cards that let somebody see it, or take it back.

https://developers.google.com/workspace/drive/api/reference/rest/v3/permissions (read 2026-11-22)
"""

from typing import Protocol

from bot.core.card import Field as Line
from tools.drive._drive import ANYONE, FOLDER, Drive, Item


class Shown(Protocol):
    """What the house fills in about a file that somebody is to see, or not any more."""

    file: str
    account_name: str
    file_name: str
    file_kind: str
    link: str
    seen_by: list[str] | None


def file_lines(args: Shown, *what: Line, still: str, owner: str = "") -> tuple[Line, ...]:
    """The lines of a card about who sees a file; `still`: how those who see it anyway are named."""
    return (
        Line(name="File", value=f"{args.file_name or args.file} ({args.file_kind or 'unknown'})"),
        *what,
        Line(name=still, value=", ".join(args.seen_by or []) or "not known yet"),
        *([Line(name="Owner", value=owner)] if owner else []),
        Line(name="Google account", value=args.account_name or "not known yet"),
        *([Line(name="Where", value=args.link)] if args.link else []),
    )


def known_of(drive: Drive, item: Item) -> dict[str, object]:
    """What both say of a file."""
    return {
        "account": drive.account,
        "account_name": drive.name,
        "file_name": item.title,
        "file_kind": item.kind[:200],
        "link": item.link,
        "is_folder": item.mime_type == FOLDER,
    }


def whom_of(who: str) -> str:
    """Who is meant, as a card says it."""
    return "anybody who has the link" if who == ANYONE else who
