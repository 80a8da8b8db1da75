# One image for the API, the Dagster webserver and the daemon; they differ in their command only.
FROM python:3.11-slim-bookworm

RUN useradd --create-home --uid 1000 lakefolio
WORKDIR /app
RUN chown lakefolio /app
USER lakefolio
ENV PYTHONUNBUFFERED=1 PATH=/app/.venv/bin:$PATH

COPY --chown=lakefolio requirements.lock ./
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY --chown=lakefolio . .
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index -e . \
    && cd dbt_project && dbt --quiet parse

# `python -m ops run <command>` migrates the database, sets the environment, and becomes the command.
ENTRYPOINT ["python", "-m", "ops", "run"]
