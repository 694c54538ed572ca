"""The pictures of the page in docs/images, taken in a real browser of what `make demo` leaves.

    make demo && .venv/bin/python scripts/screenshots.py [FOLDER]

Of copies of the demo's data folder, one as before anything was published and one made to look like a month's work; the
folder itself is left alone, and nothing beyond this machine is asked. With FOLDER nothing is written but every page,
there, at a desk and on a phone, in both looks: to be looked at.
"""

import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from sqlmodel import Session, col, delete, select

from backend.app import create_app
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, IdempotencyKey, Piece, Publication, PublicationEvent
from backend.drafts import service as drafts
from backend.marketplace.vinted_web.browser import find_browser, launch_arguments
from backend.publications import service as publications
from backend.sandbox.loopback import serving
from backend.settings import Settings, load_settings
from backend.wardrobe import pieces

IMAGES = Path(__file__).parents[1] / "docs/images"
MOST = 60_000
"""Bytes of a picture."""
DESK: ViewportSize = {"width": 1024, "height": 640}
PHONE: ViewportSize = {"width": 360, "height": 640}
BETWEEN = 12
PAGES = (
    *("/", "/drafts", "/drafts?as=list", "/publish", "/publications", "/wardrobe", "/wardrobe/import", "/insights"),
    *("/settings", "/settings/words", "/settings/pace", "/settings/reader", "/accounts", "/security", "/people"),
    *("/notifications", "/batches", "/admin", "/admin/limits", "/admin/log", "/admin/settings", "/sign-in"),
)


def just_read(session: Session) -> None:
    """Before anything was published; one thing is still to be said."""
    for model in (PublicationEvent, IdempotencyKey, Piece, Publication):
        session.exec(delete(model))
    draft = session.exec(select(Draft).order_by(col(Draft.ordinal))).all()[0]
    drafts.edit(session, draft.user_id, draft.id, draft.revision, {"condition": None})


def a_month_later(session: Session) -> None:
    """Days lie between the publications, two things are sold, three wait in the queue and one for its owner."""
    account = session.exec(select(Account)).one()
    listed = session.exec(select(Publication).order_by(col(Publication.created_at))).all()
    for n, publication in enumerate(listed):
        draft = session.get_one(Draft, publication.draft_id)
        events = session.exec(select(PublicationEvent).where(PublicationEvent.publication_id == publication.id)).all()
        for row in (draft, publication, *events):
            for name in ("created_at", "updated_at", "at"):
                if hasattr(row, name):
                    setattr(row, name, getattr(row, name) - timedelta(days=4 * (len(listed) - n)))
    session.flush()
    pieces.catch_up(session, account.user_id)
    for publication in listed[:2]:
        piece = session.exec(select(Piece).where(Piece.draft_id == publication.draft_id)).one()
        day = publication.created_at.date() + timedelta(days=3)
        pieces.sell(session, account.user_id, piece.id, (piece.cents or 1000) - 100, day)
    orders = [publications.Order(one.draft_id, account.id, "dry_run") for one in listed[2:6]]
    waits, *_ = [publications.request(session, account.user_id, order) for order in orders]
    waits.state, waits.error_code, waits.error = "needs_person", "challenge", "The site asks whether you are a person."


@dataclass(frozen=True)
class Visits:
    browser: Browser
    address: str
    draft: str
    board: str

    @contextmanager
    def page(self, *, phone: bool = False, dark: bool = False, language: str = "en-GB") -> Iterator[Page]:
        context = self.browser.new_context(
            base_url=self.address, viewport=PHONE if phone else DESK, locale=language, has_touch=phone,
            is_mobile=phone, color_scheme="dark" if dark else "light", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(120_000)
        yield context.new_page()
        context.close()

    def shot(
        self, path: str, *taps: str, phone: bool = False, dark: bool = False, language: str = "en-GB"
    ) -> Image.Image:
        """The page after these places were pressed."""
        with self.page(phone=phone, dark=dark, language=language) as page:
            page.goto(path, wait_until="networkidle")
            for place in taps:
                page.locator(place).first.click()
            page.wait_for_load_state("networkidle")
            return Image.open(io.BytesIO(page.screenshot())).convert("RGB")

    def both(self, path: str, on_phone: str = "") -> list[Image.Image]:
        """At a light desk in English, and on a dark phone in French."""
        return [self.shot(path), self.shot(on_phone or path, phone=True, dark=True, language="fr-FR")]


def keep(name: str, shots: list[Image.Image]) -> None:
    """Beside each other in one file, as large and as good as its bytes allow."""
    whole = Image.new("RGB", (sum(s.width + BETWEEN for s in shots) - BETWEEN, max(s.height for s in shots)), "#888")
    left = 0
    for one in shots:
        whole.paste(one, (left, 0))
        left += one.width + BETWEEN
    for scale, quality in product((1, 0.85, 0.72, 0.6), range(88, 60, -4)):
        (written := io.BytesIO()).name = f"{name}.jpg"
        size = round(whole.width * scale), round(whole.height * scale)
        whole.resize(size, Image.Resampling.LANCZOS).save(written, quality=quality, optimize=True, progressive=True)
        if written.tell() < MOST:
            break
    (IMAGES / f"{name}.jpg").write_bytes(written.getvalue())
    print(f"{name}.jpg: {size[0]} x {size[1]}, {written.tell() / 1000:.0f} kB at quality {quality}")


def take_reading(visits: Visits) -> None:
    tiles = [f".item:nth-of-type(2) .tile:nth-child({n}) button" for n in (1, 2)]
    keep("board", [visits.shot(visits.board, *tiles)])
    keep("review", [visits.shot(visits.draft)])
    visits.shot("/", "#guide [value=put_away]")
    phone = [visits.shot("/", phone=True), visits.shot("/drafts", phone=True)]
    phone.append(visits.shot(visits.draft, phone=True, dark=True))
    keep("phone", [*phone, visits.shot(visits.draft, "#field-brand .standing", phone=True)])


def take_selling(visits: Visits) -> None:
    keep("queue", visits.both("/publications"))
    keep("insights", visits.both("/insights"))
    keep("wardrobe", visits.both("/wardrobe", "/wardrobe?state=sold"))
    keep("settings", visits.both("/settings/words", "/settings"))


def look_at_all(visits: Visits, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for phone, language in ((False, "en-GB"), (True, "fr-FR")):
        for dark in (False, True):
            with visits.page(phone=phone, dark=dark, language=language) as page:
                for path in (*PAGES, visits.draft, visits.board):
                    page.goto(path, wait_until="networkidle")
                    name = re.sub(r"[/?=]+|[0-9a-f]{16}", "-", path).strip("-") or "photos"
                    look = f"{'phone' if phone else 'desk'}-{'dark' if dark else 'light'}"
                    page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)


@contextmanager
def copy_of_the_demo(made: Path, change: Callable[[Session], None], browser: Browser) -> Iterator[Visits]:
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(data=shutil.copytree(made, Path(scratch) / "data"))
        database = Database(settings.database)
        database.migrate()
        with database.session() as session:
            change(session)
            draft = session.exec(select(Draft.id).order_by(col(Draft.ordinal))).all()[0]
            batch = session.exec(select(Batch.id)).one()
        database.close()
        with serving(create_app(settings, run_jobs=False)) as address:
            yield Visits(browser, address, f"/drafts/{draft}", f"/batches/{batch}")


def main() -> None:
    made = load_settings().data / "demo"
    if not (made / "vintedbot.db").exists():
        raise SystemExit(f"There is no demo in {made}: run `make demo` first.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser().executable, args=launch_arguments())
        if sys.argv[1:]:
            with copy_of_the_demo(made, a_month_later, browser) as visits:
                look_at_all(visits, Path(sys.argv[1]))
        else:
            with copy_of_the_demo(made, just_read, browser) as visits:
                take_reading(visits)
            with copy_of_the_demo(made, a_month_later, browser) as visits:
                take_selling(visits)
        browser.close()


if __name__ == "__main__":
    main()
