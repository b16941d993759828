"""A page or board that a person names: found among those of the account, and kept with its id.

The id is looked up before anybody is asked, and is believed later only for the very name that was
shown: when the name on the card is edited, it is looked up anew. Names are the network's own words;
where several share one, the id stands beside it, or two cards would look alike.
"""

from collections.abc import Iterable, Sequence

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


def told_apart(name: str, id_: str, names: Iterable[str]) -> str:
    """A name as it is shown: with the id, where `names` has it more than once."""
    is_shared = [each.casefold() for each in names].count(name.casefold()) > 1
    return f"{name} ({id_})" if is_shared else name


def pick(wanted: str, offered: Sequence[Picked], what: str, where: str) -> Picked:
    """The one that is meant, by its id or its name, and as it is shown.

    `what`: board, page; `where`: the network as people say it. Raises Invalid, with the names.
    """
    all_names = [each.name for each in offered]
    shown = [told_apart(each.name, each.id, all_names) for each in offered]
    pairs = list(zip(offered, shown, strict=True))
    for same in (
        [(each, name) for each, name in pairs if wanted in (each.id, each.name, name)],
        [(each, name) for each, name in pairs if each.name.casefold() == wanted.casefold()],
    ):
        if len(same) == 1:
            return same[0][0].model_copy(update={"name": same[0][1]})
        if same:
            ids = ", ".join(each.id for each, _ in same)
            raise Invalid(f"{where} has several {what}s called {wanted!r}; give its id: {ids}.")
    names = ", ".join(shown[:_SHOWN])
    more = f" and {len(offered) - _SHOWN} more" if len(offered) > _SHOWN else ""
    known = f"There are: {names}{more}." if names else f"The account has no {what}."
    raise Invalid(f"{where} has no {what} {wanted!r} for this account. {known}")
