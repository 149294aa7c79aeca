"""Runs migrations on the database that `fluxtune.db.migrate` hands over."""

from alembic import context

from fluxtune.db import Base, Database


def run() -> None:
    database: Database = context.config.attributes["database"]
    with database.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
