#!/usr/bin/env bash
# Writes the next migration by comparing backend/db/models.py with the migrations so far: scripts/migration.sh 0002 "what it does"
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python - "$@" <<'PY'
import sys, tempfile
from alembic import command
from backend.db.engine import Database, alembic_config

with tempfile.TemporaryDirectory() as folder:
    database = Database(f"sqlite:///{folder}/empty.db")
    database.migrate()
    with database.engine.connect() as connection, alembic_config(connection) as config:
        command.revision(config, message=sys.argv[2], rev_id=sys.argv[1], autogenerate=True)
PY
