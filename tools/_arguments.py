"""Arguments of tools, whatever the tool: refused in words, and filled in before anybody is asked.

A tool's own kinds of arguments stand with it. What its `complete` found out is checked again with
the rest (`refit`), so that a card never shows what would not be done.
"""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from bot.core.errors import Invalid

A = TypeVar("A", bound=BaseModel)


def unfit(sentence: str) -> PydanticCustomError:
    """The refusal of an argument, in words for model and person; without a full stop."""
    return PydanticCustomError("unfit", "{sentence}", {"sentence": sentence})


def refit(args: A, known: Mapping[str, object]) -> A:
    """The arguments with what is known now, checked again. Raises Invalid."""
    given = {**args.model_dump(mode="json", exclude_none=True), **known}
    try:
        return type(args).model_validate(given)
    except ValidationError as error:
        raise Invalid("; ".join(str(each["msg"]) for each in error.errors()) + ".") from None
