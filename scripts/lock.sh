#!/usr/bin/env bash
# Locks the dependencies with hashes: locks/run.txt for running, locks/dev.txt for working on the project.
# Needs uv (pip install uv). The files name packages and hashes only: no registry, no path.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() { uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 pyproject.toml "$@"; }
lock --group build -o locks/run.txt
lock --group build --group dev -c locks/run.txt -o locks/dev.txt
