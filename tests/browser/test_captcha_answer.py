"""The solver's answer arrives in a real page's fields as text, whatever it holds."""

from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from backend.core.captcha_solver import inject_captcha_solution

CHROMIUM = Path("/usr/bin/chromium-headless-shell")
PAGE = """<textarea name="h-captcha-response"></textarea><textarea name="g-recaptcha-response"></textarea>
<script>window.heard = []; document.addEventListener("change", e => heard.push(e.target.name))</script>"""


@pytest.mark.parametrize("answer", ["P1_token", '"; document.title = "injected"; //', "${1}`'\\\n</script>"])
async def test_the_answer_lands_in_the_fields_and_runs_nothing(answer: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM if CHROMIUM.exists() else None, args=["--no-sandbox"]
        )
        page = await browser.new_page()
        await page.set_content(PAGE)
        assert await inject_captcha_solution(page, answer) == 2
        values = await page.evaluate("[...document.querySelectorAll('textarea')].map(e => e.value)")
        heard, title = await page.evaluate("heard"), await page.title()
        await browser.close()
    assert values == [answer, answer]
    assert heard == ["h-captcha-response", "g-recaptcha-response"]
    assert title == ""
