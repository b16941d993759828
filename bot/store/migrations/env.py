"""Runs migrations. Alembic loads this file by its path, and only when a database is behind."""

from alembic import context
from sqlalchemy import create_engine


def main() -> None:
    """Upgrade in one transaction, so that a failure leaves the file as it was.

    Offline, the statements are written down for PostgreSQL instead of run.
    """
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, transactional_ddl=False)
        context.run_migrations()
        return
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with engine.begin() as connection:
        context.configure(connection=connection, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


main()
