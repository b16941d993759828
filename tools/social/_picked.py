"""A page or board that a person names: found among those of the account, and kept with its id.

The id is looked up before anybody is asked, and is believed later only for the very name that was
shown: when the name on the card is edited, it is looked up anew. Names are the network's own words.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from bot.core.errors import Invalid

_SHOWN = 20


class Picked(BaseModel):
    """One of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(max_length=200)
    name: str = Field(max_length=1000)
    note: str = Field(default="", max_length=200)
    """What is particular about it, such as that it is secret."""


def pick(wanted: str, offered: Sequence[Picked], what: str, where: str) -> Picked:
    """The one that is meant, by its id or its name.

    `what`: board, page; `where`: the network as people say it. Raises Invalid, with the names.
    """
    for same in (
        [each for each in offered if wanted in (each.id, each.name)],
        [each for each in offered if each.name.casefold() == wanted.casefold()],
    ):
        if len(same) == 1:
            return same[0]
        if same:
            ids = ", ".join(each.id for each in same)
            raise Invalid(f"{where} has several {what}s called {wanted!r}; give its id: {ids}.")
    names = ", ".join(each.name for each in offered[:_SHOWN])
    more = f" and {len(offered) - _SHOWN} more" if len(offered) > _SHOWN else ""
    known = f"There are: {names}{more}." if names else f"The account has no {what}."
    raise Invalid(f"{where} has no {what} {wanted!r} for this account. {known}")
