"""Where the blog is, as the operator set it.

Apart from the tool, so that a start need not load what writes, checks and shows a post.
"""

from pathlib import Path

from bot.core.secret import Secret
from bot.frozen import frozen


@frozen
class BlogSettings:
    """Where posts go: a folder, or a webhook; never both."""

    folder: Path | None = None
    webhook_url: str = ""
    webhook_secret: Secret | None = None
