#!/usr/bin/env bash
# Draws docs/images/demo.png: what `vintedbot demo` prints, as a terminal shows it.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p docs/images
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
VINTEDBOT_DATA="$scratch/data" FORCE_COLOR=1 COLUMNS=118 .venv/bin/vintedbot demo 2>/dev/null |
  sed "s#$scratch/data#~/.local/share/vintedbot#g" >"$scratch/shown"
.venv/bin/python - "$scratch/shown" docs/images/demo.png <<'PY'
import re
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from backend.marketplace.vinted_web.browser import find_browser, launch_arguments

console = Console(record=True, width=118, file=open("/dev/null", "w"))
console.print(Text.from_ansi("$ make demo\n" + Path(sys.argv[1]).read_text()))
svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="vintedbot demo"), flags=re.S)
with sync_playwright() as driver:
    path = find_browser().executable
    browser = driver.chromium.launch(executable_path=path, args=launch_arguments())
    page = browser.new_page(viewport={"width": 1240, "height": 620})
    page.set_content(f"<style>body{{margin:0}} svg{{font-family:monospace}}</style>{svg}")
    page.locator("svg").screenshot(path=sys.argv[2])
    browser.close()
colours = Image.open(sys.argv[2]).convert("RGB").quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
colours.save(sys.argv[2], optimize=True)
PY
