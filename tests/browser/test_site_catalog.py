"""A marketplace's catalog fetched through the runtime, and a draft published by the site's own names afterwards."""

from pathlib import Path

from backend.cli.photos import hand_in, report, watch
from backend.cli.publishing import publish_drafts
from backend.cli.site_catalog import leaves_in_use, summary
from backend.core import catalog
from backend.drafts.site_catalogs import catalog_at
from backend.runtime import Runtime
from backend.sandbox.server import running_sandbox
from tests.fakes import signed_in


async def test_what_was_listened_to_is_kept_and_published_by(runtime: Runtime, closet: Path) -> None:
    with running_sandbox() as sandbox:
        await signed_in(runtime, sandbox)
        batch_id = await hand_in(runtime, closet, {"audience": "women", "condition": "very-good"})
        await watch(runtime, batch_id, quiet=True)
        leaves = await runtime.database.run(leaves_in_use, runtime.user_id, 12)
        assert [leaf.kind for leaf in leaves] == ["t-shirt"]
        row = await runtime.accounts.fetch_catalog(runtime.user_id, None, leaves)
        assert (row.base_url, row.version) == (sandbox.url, 1)
        offered = await runtime.database.run(catalog_at, runtime.user_id, sandbox.url)
        assert offered is not None
        told = summary(offered, "fr")
        assert (told["categories"], told["sized_categories"], told["unmapped"]) == (len(catalog.leaves()), 1, [])
        ready = [row["id"] for row in (await report(runtime, batch_id))["drafts"] if row["publish_ready"]]
        done = await publish_drafts(runtime, ready[:1], "draft", quiet=True)
        assert [(p["state"], p["differences"]) for p in done["publications"]] == [("confirmed", [])]
        assert sandbox.received()["items"][0]["catalog_id"] == leaves[0].id
