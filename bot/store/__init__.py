"""The only SQLAlchemy: engine, tables, statements, migrations."""
