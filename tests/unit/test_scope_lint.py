"""The house rule that keeps people apart: tables that belong to somebody are asked through `db.scope`.

Where they are not, the place and its reason stand here."""

import ast
from collections.abc import Iterator
from pathlib import Path

from sqlmodel import SQLModel

from backend.db import models

BACKEND = Path(__file__).parents[2] / "backend"
EXEMPT = ("db/scope.py", "db/migrations/", "sandbox/")
VERBS = {"select", "get", "get_one", "update", "delete", "insert", "select_from", "join", "query"}

JOB = "a job acts for the row's owner, whom the row names; no request's id gets here"
ALL = "for everybody, and shows nobody's things: the queue's order, the outbox, counts, limits"
HANDED = "its caller was handed a row of the user's own"
NARROWED = "narrowed by `user_id` in the same statement"
SECRET = "the secret, or its hash, is what says whose it is"
PEOPLE = "of people themselves, not of their things"

ALLOWED: dict[tuple[str, str], str] = {
    ("accounts/keys.py", "count_unreadable"): ALL,
    ("accounts/keys.py", "reseal"): ALL,
    ("backup/aftermath.py", "hold_what_was_under_way"): ALL,
    ("db/audit.py", "all_events"): "the admin's view of the audit",
    ("drafts/board.py", "_apply"): HANDED,
    ("drafts/board.py", "_arrangement"): HANDED,
    ("drafts/board.py", "_at"): HANDED,
    ("drafts/board.py", "_first_undone"): HANDED,
    ("drafts/board.py", "_last"): HANDED,
    ("drafts/board.py", "_open"): HANDED,
    ("drafts/board.py", "_photos"): HANDED,
    ("drafts/board.py", "_record"): HANDED,
    ("drafts/board.py", "_turn"): HANDED,
    ("drafts/board.py", "look"): HANDED,
    ("drafts/history.py", "_of"): HANDED,
    ("drafts/history.py", "forget"): HANDED,
    ("drafts/own_prices.py", "own_items"): NARROWED,
    ("drafts/rereading.py", "ask_for_reading"): HANDED,
    ("drafts/service.py", "fill"): JOB,
    ("drafts/service.py", "photos_of"): HANDED,
    ("drafts/service.py", "show_in_order"): HANDED,
    ("drafts/service.py", "to_be_read"): JOB,
    ("notifications/outbox.py", "_note"): ALL,
    ("drafts/shelf.py", "_in_order"): HANDED,
    ("drafts/shelf.py", "_narrowed"): NARROWED,
    ("drafts/shelf.py", "to_review"): NARROWED,
    ("notifications/outbox.py", "_own"): PEOPLE,
    ("notifications/outbox.py", "claim"): ALL,
    ("notifications/service.py", "mark_all_seen"): NARROWED,
    ("photos/batches.py", "pending_photos"): JOB,
    ("photos/batches.py", "pulse"): NARROWED,
    ("photos/batches.py", "photos_of"): HANDED,
    ("photos/batches.py", "progress"): HANDED,
    ("photos/batches.py", "set_state"): JOB,
    ("photos/batches.py", "unfinished"): JOB,
    ("photos/quota.py", "photos_of_day"): NARROWED,
    ("photos/sights.py", "of_batch"): JOB,
    ("photos/sights.py", "of_photos"): JOB,
    ("publications/journal.py", "move"): "each caller has asked for the row by its owner, or is the job that holds it",
    ("publications/journal.py", "take"): JOB,
    ("publications/queue.py", "_clicks"): HANDED,
    ("publications/queue.py", "_line"): HANDED,
    ("publications/queue.py", "_lines"): HANDED,
    ("publications/queue.py", "_locked"): HANDED,
    ("publications/queue.py", "_under_way"): HANDED,
    ("publications/queue.py", "begin"): JOB,
    ("publications/queue.py", "draft_as_asked"): JOB,
    ("publications/queue.py", "due"): ALL,
    ("publications/queue.py", "orphans"): JOB,
    ("publications/queue.py", "page_is_gone"): JOB,
    ("publications/queue.py", "submit"): JOB,
    ("publications/service.py", "drafts_in_hand"): NARROWED,
    ("publications/service.py", "with_listing"): NARROWED,
    ("publications/service.py", "_publishable"): NARROWED,
    ("publications/service.py", "pulse"): NARROWED,
    ("publications/service.py", "remember"): JOB,
    ("spending/ledger.py", "_spent"): "the operator's budget is for all users together",
    ("spending/ledger.py", "remember"): "lets go of everybody's old answers",
    ("spending/ledger.py", "settle"): JOB,
    ("users/keys.py", "find"): SECRET,
    ("users/links.py", "look"): SECRET,
    ("users/sign_in.py", "_by_id"): SECRET,
    ("users/service.py", "check_not_last_admin"): PEOPLE,
    ("users/service.py", "everybody"): PEOPLE,
    ("users/service.py", "find"): PEOPLE,
    ("users/service.py", "known_local_user"): PEOPLE,
    ("users/service.py", "lookup"): PEOPLE,
    ("users/service.py", "somebody_signs_in"): PEOPLE,
    ("watch/insights.py", "_cost"): NARROWED,
    ("watch/insights.py", "_ended"): NARROWED,
    ("watch/insights.py", "_first_day"): NARROWED,
    ("watch/insights.py", "_now"): NARROWED,
    ("watch/insights.py", "_sent"): NARROWED,
    ("wardrobe/importing.py", "__init__"): NARROWED,
    ("wardrobe/pieces.py", "catch_up"): NARROWED,
    ("wardrobe/search.py", "find"): NARROWED,
    ("wardrobe/search.py", "photos_of"): NARROWED,
    ("watch/readings.py", "_active_users"): ALL,
    ("web/catalog_search.py", "_own_brands"): NARROWED,
    ("watch/readings.py", "_oldest_challenge"): ALL,
    ("watch/readings.py", "_queue_age"): ALL,
    ("watch/readings.py", "_spent_today"): ALL,
    ("watch/readings.py", "read"): ALL,
    ("watch/use.py", "use_of_everybody"): ALL,
    ("workflows/analyse.py", "_accept"): JOB,
    ("workflows/analyse.py", "_fill"): JOB,
    ("workflows/analyse.py", "_drafts_opened"): JOB,
    ("workflows/analyse.py", "_open_drafts"): JOB,
    ("workflows/analyse.py", "_to_read"): JOB,
    ("workflows/analyse.py", "analyse"): JOB,
    ("workflows/analyse.py", "end"): JOB,
    ("workflows/held.py", "_take"): JOB,
    ("workflows/held.py", "row"): JOB,
    ("workflows/job.py", "session_of"): JOB,
    ("workflows/leaving.py", "_theirs"): NARROWED,
    ("workflows/pictures.py", "_still_named"): "whether anybody else has the same picture, told to nobody",
    ("workflows/publish.py", "_begin"): JOB,
    ("workflows/publish.py", "publish"): JOB,
    ("workflows/publish.py", "_remember_picture"): JOB,
    ("workflows/publish.py", "_write_end"): JOB,
    ("workflows/telling.py", "tell_of_batch"): JOB,
}


def tables() -> set[str]:
    """The classes whose rows belong to somebody."""
    found = {name for name, one in vars(models).items() if isinstance(one, type) and issubclass(one, SQLModel)}
    return {name for name in found if hasattr(getattr(models, name), "user_id")} | {"User", "DraftPhoto"}


def unscoped(source: str, owned: set[str]) -> Iterator[str]:
    """The outermost functions that ask a table of somebody's by themselves."""
    for node in ast.parse(source).body:
        inside = [node, *getattr(node, "body", [])] if isinstance(node, ast.ClassDef) else [node]
        for function in inside:
            name = getattr(function, "name", "the module")
            if not isinstance(function, ast.ClassDef) and any(_asks(call, owned) for call in ast.walk(function)):
                yield name


def _asks(call: ast.AST, owned: set[str]) -> bool:
    """select(Draft…), session.get_one(Draft, …), run(Session.get_one, Draft, …) and their like."""
    if not isinstance(call, ast.Call):
        return False
    verb = _name(call.func) in VERBS or any(_name(arg) in VERBS for arg in call.args[:1])
    return verb and any(isinstance(x, ast.Name) and x.id in owned for arg in call.args for x in ast.walk(arg))


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_everybodys_things_are_asked_for_through_the_scope() -> None:
    owned, found = tables(), set()
    for path in sorted(BACKEND.rglob("*.py")):
        file = path.relative_to(BACKEND).as_posix()
        if not file.startswith(EXEMPT):
            found |= {(file, name) for name in unscoped(path.read_text(), owned)}
    assert found - ALLOWED.keys() == set(), "use db.scope, or say here why not"
    assert ALLOWED.keys() - found == set(), "no longer needed: take it out"


def test_the_lint_sees_what_it_is_for() -> None:
    for statement in (
        "session.get(Draft, draft_id)",
        "session.exec(select(Draft).where(Draft.id == draft_id))",
        "select(Batch.id, func.count(Draft.id))",
        "run(Session.get_one, Publication, some_id)",
        "session.execute(update(Photo).values(name='x'))",
        "select(func.count()).select_from(Account)",
    ):
        assert list(unscoped(f"def f():\n    def g():\n        return {statement}\n", tables())) == ["f"], statement
        assert list(unscoped(f"class C:\n    def m(self):\n        {statement}\n", tables())) == ["m"], statement
    assert list(unscoped("def f():\n    get_owned(session, Draft, user_id, draft_id)\n", tables())) == []
