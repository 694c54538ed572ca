"""A marketplace's catalog fetched through the runtime, and a draft published by the site's own names afterwards."""

from pathlib import Path

from backend.cli.photos import hand_in, report, watch
from backend.cli.publishing import publish_drafts
from backend.cli.site_catalog import leaves_in_use, summary
from backend.core import catalog
from backend.drafts.site_catalogs import catalog_at
from backend.runtime import Runtime
from backend.sandbox.options import SandboxOptions
from backend.sandbox.server import running_sandbox
from tests.fakes import signed_in


async def test_what_was_listened_to_is_kept_and_published_by(runtime: Runtime, closet: Path) -> None:
    """The account counts as French, the form speaks German: what was heard is matched, and chosen, in German."""
    with running_sandbox(options=SandboxOptions(language="de")) as sandbox:
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
        unknown = [(one["name"], one["nearest"][0]) for one in told["unmapped"] if one["field"] == "category"]
        assert (told["categories"], told["sized_categories"]) == (len(catalog.leaves()), 1)
        assert unknown == [("Damen > Accessoires > Hüte & Mützen", "DAMEN > Accessoires > Kopfschmuck")]
        ready = [row["id"] for row in (await report(runtime, batch_id))["drafts"] if row["publish_ready"]]
        done = await publish_drafts(runtime, ready[:1], "draft", quiet=True)
        assert [(p["state"], p["differences"]) for p in done["publications"]] == [("confirmed", [])]
        item = sandbox.received()["items"][0]
        assert (item["catalog_id"], item["category_path"][-1]) == (leaves[0].id, "T-shirts")
