"""Tables that several processes share to know of one another; an SQLite file has no use for them.

`worker` has a row for each process that runs, with its last sign of life by the database's clock;
`lease` says which of them does what only one may do.
"""

from sqlalchemy import MetaData, Table

from bot.store.columns import num, txt

shared = MetaData()

worker = Table(
    "worker",
    shared,
    txt("id", key=True),
    txt("place"),
    txt("version"),
    num("files_shared"),
    num("beat_at"),
)
lease = Table("lease", shared, txt("name", key=True), txt("owner"))
