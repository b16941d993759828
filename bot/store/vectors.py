"""Vectors as rows, and what is found by them: memos, lines that were said, archives.

A value is 32-bit floats, little end first, of length one. Comparing them is the work of
`agents/runtime/finding.py`, in this process, and that of a PostgreSQL with pgvector by `nearest`
(`postgres_meaning.py`); exactly, either way. Each row names its tenant, agent and person, and every
statement that finds names all three.
"""

from sqlalchemy import Select, and_, bindparam, delete, func, literal_column, or_, select, update

from bot.frozen import frozen
from bot.store.script import Ask, Params, Row, Script, Statement, restartable
from bot.store.tables import conv, message
from bot.store.tables_house import memo
from bot.store.tables_memory import archive, vector
from bot.store.upsert import insert_over

MEMO, SAID, ARCHIVE = "memo", "said", "archive"
MOST_WORDS = 6
"""Words of a question that the database looks for in lines; the longest."""
_PUT = Statement(
    lambda: insert_over(
        vector, "tenant", "kind", "id", "agent", "person", "conv", "model", "value", "at"
    )
)
_MARK = Statement(
    lambda: (
        update(memo)
        .where(memo.c.tenant == bindparam("tenant"), memo.c.id == bindparam("id"))
        .values(indexed=1)
        .returning(memo.c.id)
    )
)
_BARE = Statement(
    lambda: (
        select(memo.c.id, memo.c.agent, memo.c.person, memo.c.conv, memo.c.text, memo.c.at)
        .where(memo.c.tenant == bindparam("tenant"), memo.c.indexed == 0)
        .order_by(memo.c.at)
        .limit(bindparam("limit"))
    )
)
_STRIP = Statement(
    lambda: (
        update(memo)
        .where(memo.c.tenant == bindparam("tenant"), memo.c.indexed == 1)
        .values(indexed=0)
    )
)
_MINE = (
    vector.c.tenant == bindparam("tenant"),
    vector.c.person == bindparam("person"),
    vector.c.agent == bindparam("agent"),
)
_OWN = Statement(
    lambda: (
        select(vector.c.kind, vector.c.id, vector.c.value)
        .where(*_MINE, vector.c.model == bindparam("model"))
        .order_by(vector.c.at.desc())
        .limit(bindparam("limit"))
    )
)


def _compared() -> Select[tuple[str, str, float]]:
    """By a database that compares; what is asked is unpacked once, and not for every row."""
    made = select(func.floats(bindparam("asked")).label("near"))
    asked = made.cte("asked").prefix_with("MATERIALIZED")
    near = func.nearness(literal_column("vector.near"), asked.c.near).label("nearness")
    return (
        select(vector.c.kind, vector.c.id, near)
        .where(*_MINE, vector.c.model == bindparam("model"))
        .order_by(near.desc().nulls_last(), vector.c.kind, vector.c.id)
        .limit(bindparam("limit"))
    )


_NEAR = Statement(_compared)
_LINE = (message.c.id, message.c.text, message.c.role, message.c.conv, message.c.at, conv.c.tainted)
_JOINED = (
    select(*_LINE, message.c.turn)
    .join(
        message,
        and_(
            message.c.tenant == vector.c.tenant,
            message.c.id == vector.c.id,
            vector.c.kind == SAID,
        ),
    )
    .join(conv, and_(conv.c.tenant == vector.c.tenant, conv.c.id == message.c.conv))
    .where(*_MINE)
)
_SAID = Statement(lambda: _JOINED.where(vector.c.id == bindparam("id")))
_WORDED = Statement(
    lambda: (
        _JOINED.where(
            or_(
                *(
                    func.lower(message.c.text).like(bindparam(f"word{n}"), escape="\\")
                    for n in range(MOST_WORDS)
                )
            )
        )
        .order_by(vector.c.at.desc())
        .limit(bindparam("limit"))
    )
)
_PUT_AWAY = Statement(
    lambda: (
        select(
            archive.c.id,
            archive.c.title,
            archive.c.text,
            archive.c.conv,
            archive.c.at,
            conv.c.tainted,
        )
        .join(conv, and_(conv.c.tenant == archive.c.tenant, conv.c.id == archive.c.conv))
        .where(
            archive.c.tenant == bindparam("tenant"),
            archive.c.person == bindparam("person"),
            archive.c.agent == bindparam("agent"),
            archive.c.restored_at.is_(None),
        )
        .order_by(archive.c.at.desc())
        .limit(bindparam("limit"))
    )
)
_DROP = Statement(
    lambda: delete(vector).where(
        vector.c.tenant == bindparam("tenant"),
        vector.c.kind == bindparam("kind"),
        vector.c.id == bindparam("id"),
    )
)
_DROP_CONV = Statement(
    lambda: delete(vector).where(
        vector.c.tenant == bindparam("tenant"),
        vector.c.conv == bindparam("conv"),
        vector.c.kind == bindparam("kind"),
    )
)
_DROP_PERSON = Statement(
    lambda: delete(vector).where(
        vector.c.tenant == bindparam("tenant"), vector.c.person == bindparam("person")
    )
)


@frozen
class Vector:
    """What stands for one text."""

    kind: str
    id: str
    agent: str
    person: str
    """Empty: nobody's, the agent's own."""
    conv: str
    model: str
    value: bytes
    at: int


@frozen
class Bare:
    """A memo that is not embedded yet."""

    id: str
    agent: str
    person: str
    conv: str
    text: str
    at: int


@frozen
class Owner:
    """Whose it is."""

    tenant: str
    agent: str
    person: str

    def params(self) -> Params:
        """As a statement takes it."""
        return {"tenant": self.tenant, "agent": self.agent, "person": self.person}


@frozen
class Found:
    """A line or an archive that may answer a question."""

    kind: str
    id: str
    text: str
    role: str
    conv: str
    event: str
    tainted: bool
    """Words from outside are in its conversation."""
    at: int


def put(tenant: str, item: Vector) -> Script[None]:
    """Keep a vector, over an older one of the same thing."""
    row: Params = {
        "tenant": tenant,
        "kind": item.kind,
        "id": item.id,
        "agent": item.agent,
        "person": item.person,
        "conv": item.conv,
        "model": item.model,
        "value": item.value,
        "at": item.at,
    }
    yield Ask(_PUT, row)


@restartable
def index_memos(tenant: str, items: list[Vector]) -> Script[int]:
    """Keep the vectors of memos that are still there, and mark those; returns how many."""
    done = 0
    for item in items:
        if (yield Ask(_MARK, {"tenant": tenant, "id": item.id})):
            yield from put(tenant, item)
            done += 1
    return done


def bare(tenant: str, limit: int) -> Script[list[Bare]]:
    """Memos that are not embedded yet, oldest first."""
    rows = yield Ask(_BARE, {"tenant": tenant, "limit": limit})
    return [
        Bare(id=row[0], agent=row[1], person=row[2], conv=row[3], text=row[4], at=row[5])
        for row in rows
    ]


def strip(tenant: str) -> Script[None]:
    """Let every memo be embedded anew: another model reads them from now on."""
    yield Ask(_STRIP, {"tenant": tenant})


def of_owner(owner: Owner, model: str, limit: int) -> Script[list[tuple[str, str, bytes]]]:
    """Kind, id and value of an owner's vectors by one model, latest first."""
    rows = yield Ask(_OWN, {**owner.params(), "model": model, "limit": limit})
    return [(row[0], row[1], row[2]) for row in rows]


def nearest(
    owner: Owner, model: str, asked: bytes, floor: float, limit: int
) -> Script[list[tuple[str, str]]]:
    """Kind and id of an owner's vectors that are nearest in meaning and not below the floor.

    Only for a database that `compares`; it looks at all of them.
    """
    params: Params = {**owner.params(), "model": model, "asked": asked, "limit": limit}
    rows = yield Ask(_NEAR, params)
    return [(row[0], row[1]) for row in rows if row[2] is not None and row[2] >= floor]


def said(owner: Owner, ids: list[str]) -> Script[list[Found]]:
    """Lines of this owner by their ids; whoever else's are not there."""
    found: list[Found] = []
    for id_ in ids:
        found += [_line(row) for row in (yield Ask(_SAID, {**owner.params(), "id": id_}))]
    return found


def worded(owner: Owner, words: list[str], limit: int) -> Script[list[Found]]:
    """Lines of this owner that hold one of the words, latest first."""
    if not words:
        return []
    params: Params = {**owner.params(), "limit": limit}
    for n in range(MOST_WORDS):
        params[f"word{n}"] = _pattern(words[n % len(words)])
    return [_line(row) for row in (yield Ask(_WORDED, params))]


def put_away(owner: Owner, limit: int) -> Script[list[Found]]:
    """Archives of this owner's conversations, latest first."""
    rows = yield Ask(_PUT_AWAY, {**owner.params(), "limit": limit})
    return [
        Found(
            kind=ARCHIVE,
            id=row[0],
            text=f"{row[1]}\n{row[2]}",
            role="archive",
            conv=row[3],
            event="",
            tainted=bool(row[5]),
            at=row[4],
        )
        for row in rows
    ]


def drop(tenant: str, kind: str, id_: str) -> Script[None]:
    """Forget the vector of one thing."""
    yield Ask(_DROP, {"tenant": tenant, "kind": kind, "id": id_})


def drop_said(tenant: str, conv_id: str) -> Script[None]:
    """Forget the vectors of a conversation's lines."""
    yield Ask(_DROP_CONV, {"tenant": tenant, "conv": conv_id, "kind": SAID})


def drop_person(tenant: str, person: str) -> Script[None]:
    """Forget every vector of a person."""
    yield Ask(_DROP_PERSON, {"tenant": tenant, "person": person})


def _pattern(word: str) -> str:
    for special in "\\%_":
        word = word.replace(special, f"\\{special}")
    return f"%{word}%"


def _line(row: Row) -> Found:
    return Found(
        kind=SAID,
        id=row[0],
        text=row[1],
        role=row[2],
        conv=row[3],
        event=row[6],
        tainted=bool(row[5]),
        at=row[4],
    )
