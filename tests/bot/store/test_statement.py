"""A statement that waits is made once, when somebody first needs it, and is the same for everybody."""

from sqlalchemy import Select, bindparam, select

from bot.store.script import Statement
from bot.store.sqlite import DIALECT
from bot.store.tables import meta


def by_name() -> Select[tuple[str]]:
    return select(meta.c.value).where(meta.c.name == bindparam("name"))


def test_a_statement_is_made_when_its_text_is_first_asked_for() -> None:
    made: list[str] = []

    def make() -> Select[tuple[str]]:
        made.append("now")
        return by_name()

    statement = Statement(make)
    assert made == []
    text = statement.text(DIALECT)
    assert statement.text(DIALECT) is text
    assert statement.element is statement.element
    assert made == ["now"]


def test_one_that_stands_there_reads_the_same() -> None:
    assert Statement(by_name()).text(DIALECT) == Statement(by_name).text(DIALECT)
