"""Runs the migrations, from `storage.postgres.database.prepare` or by hand with `alembic upgrade head`."""

from alembic import context
from sqlalchemy import create_engine

from storage.postgres.database import locate
from storage.settings import settings

url = context.config.attributes.get("url") or locate(settings()).sqlalchemy_url
engine = create_engine(url)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
