"""What Alembic runs: migrates over the connection it is handed, within the transaction that is already open."""

from alembic import context

from s3warden.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
