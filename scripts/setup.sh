#!/usr/bin/env bash
# Makes this clone ready: .venv with the locked dependencies, the project itself in place, a browser.
# What is done already is left alone, so it can run before every command.
#
#   scripts/setup.sh [run|dev]      run: to use it (default); dev: to work on it as well
#
# Settings: PYTHON names another interpreter; VINTEDBOT_BROWSER a browser of your own. Packages come from where this
# machine's pip is set to get them.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly wanted="${1:-run}" here="$PWD" least=3.11
case "$wanted" in run | dev) ;; *) echo "usage: scripts/setup.sh [run|dev]" >&2 && exit 2 ;; esac

say() { printf '%s\n' "$*" >&2; }
give_up() { say "$@"; exit 1; }
hash_of() { cat -- "$@" | cksum; }
is_done() { [ -f ".venv/$1.done" ] && [ "$(cat ".venv/$1.done")" = "$2" ]; }
mark_done() { printf '%s\n' "$2" >".venv/$1.done"; }
on_debian_as_root() { [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] && command -v apt-get >/dev/null; }

# step WHAT COMMAND…: runs it quietly, says how long it took; on failure shows the end of what it printed.
step() {
  local what="$1" start="$SECONDS"
  shift
  [ -t 2 ] && printf '… %s\r' "$what" >&2
  if "$@" >"$scratch" 2>&1; then
    say "✓ $what ($((SECONDS - start)) s)"
  else
    say "✗ $what failed after $((SECONDS - start)) s:"
    tail -n 15 "$scratch" >&2
    return 1
  fi
}

find_python() {
  local name
  for name in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c "import sys; sys.exit(sys.version_info < (${least/./, }))" 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  say "Python $least or later is needed; found: $(python3 --version 2>/dev/null || echo none)."
  say "On Debian 12 or later: apt-get install python3 python3-venv. Or name one: PYTHON=/path/to/python3 make setup"
  return 1
}

apt_install() { export DEBIAN_FRONTEND=noninteractive && apt-get update -q && apt-get install -qy --no-install-recommends "$@"; }

# Debian ships venv apart from Python.
ensure_venv_module() {
  "$1" -c 'import ensurepip, venv' 2>/dev/null && return
  local package
  package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  on_debian_as_root || give_up "This Python can't make virtual environments yet. Install the missing part, then try again:
    sudo apt-get install $package"
  step "Package $package" apt_install "$package"
}

# A virtual environment does not survive being moved, nor its Python's removal.
ensure_venv() {
  is_done place "$here" && .venv/bin/python -c '' 2>/dev/null && return
  local python
  python="$(find_python)"
  ensure_venv_module "$python"
  step "Virtual environment, Python $("$python" -c 'import platform; print(platform.python_version())')" \
    "$python" -m venv --clear .venv
  mark_done place "$here"
}

pip_install() { .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --progress-bar off "$@"; }

# locks/dev.txt holds all of locks/run.txt.
ensure_dependencies() {
  local lock
  lock="$(hash_of "locks/$wanted.txt")"
  is_done "$wanted" "$lock" && return
  step "Dependencies (locks/$wanted.txt)" pip_install --require-hashes --no-deps -r "locks/$wanted.txt"
  mark_done "$wanted" "$lock"
  mark_done run "$(hash_of locks/run.txt)"
}

ensure_project() {
  local metadata
  metadata="$(hash_of pyproject.toml)"
  is_done project "$metadata" && return
  step "VintedBot itself" pip_install --no-deps --no-build-isolation -e .
  mark_done project "$metadata"
}

# Looks as the product will look, so that both agree; Playwright's driver must start too (it needs libatomic1).
has_browser() {
  local status=0 found
  found="$(.venv/bin/python -c '
import os, sys
from backend.core.errors import SetupError
from backend.marketplace.vinted_web.browser import find_browser
try:
    print(find_browser(os.environ.get("VINTEDBOT_BROWSER")).executable or "")
except SetupError:
    sys.exit(3)')" || status=$?
  case "$status" in 0) ;; 3) return 1 ;; *) give_up "✗ VintedBot does not start: see above." ;; esac
  .venv/bin/playwright --version >/dev/null 2>&1 && mark_done browser "$found"
}

# Everything but publishing works without a browser: lacking one is said, not fatal.
ensure_browser() {
  local packages="chromium-headless-shell fonts-liberation libatomic1"
  [ -x "$(cat .venv/browser.done 2>/dev/null)" ] && return
  has_browser && return
  # shellcheck disable=SC2086 # several words
  if on_debian_as_root && step "Browser (Debian's chromium-headless-shell)" apt_install $packages && has_browser; then return; fi
  if step "Browser (Playwright's own)" timeout 600 .venv/bin/playwright install chromium-headless-shell && has_browser; then
    return
  fi
  say "No browser that starts yet, so nothing can be published. Install one in one of these ways, then run this again:
    sudo apt-get install --no-install-recommends $packages
    .venv/bin/playwright install --with-deps chromium-headless-shell
  or name your own: VINTEDBOT_BROWSER=/path/to/chromium"
}

# For the tests alone: Prometheus, promtool and Alertmanager out of Debian's packages, unpacked where nothing is
# installed and no service starts. Those on the PATH do as well; lacking both, the tests that need them say so.
monitoring="${XDG_CACHE_HOME:-$HOME/.cache}/vintedbot/monitoring"
unpack_monitoring() (
  folder="$monitoring.$$"
  mkdir -p "$folder" && cd "$folder"
  trap 'rm -rf "$folder"' EXIT
  if [ "$(id -u)" = 0 ]; then apt-get update -q; fi
  apt-get download -q prometheus prometheus-alertmanager
  for package in *.deb; do dpkg -x "$package" unpacked; done
  # Debian's Alertmanager reads its templates from a fixed place; unpacked, from the folder it is started in.
  LC_ALL=C sed -i 's#/usr/share/prometheus/alertmanager#./././././././././././././././././#g' \
    unpacked/usr/bin/prometheus-alertmanager
  unpacked/usr/bin/prometheus-alertmanager --version && unpacked/usr/bin/promtool --version && rm -rf "$monitoring" && mv unpacked "$monitoring"
)

ensure_monitoring() {
  [ "$wanted" = dev ] || return 0
  if [ -x "$monitoring/usr/bin/promtool" ] || command -v promtool >/dev/null; then return; fi
  if [ -f /etc/debian_version ] && step "Prometheus and Alertmanager (Debian's, unpacked for the tests)" unpack_monitoring; then
    return
  fi
  say "No Prometheus for the tests: put prometheus, promtool and alertmanager on the PATH to run those that need them."
}

scratch="$(mktemp)"
trap 'rm -f "$scratch"' EXIT
ensure_venv
ensure_dependencies
ensure_project
ensure_browser
ensure_monitoring
