"""The solver's answer arrives in a real page's fields as text, whatever it holds."""

import pytest

from backend.core.captcha_solver import inject_captcha_solution
from backend.marketplace.vinted_web.browser import Browsers

PAGE = """<textarea name="h-captcha-response"></textarea><textarea name="g-recaptcha-response"></textarea>
<script>window.heard = []; document.addEventListener("change", e => heard.push(e.target.name))</script>"""


@pytest.mark.parametrize("answer", ["P1_token", '"; document.title = "injected"; //', "${1}`'\\\n</script>"])
async def test_the_answer_lands_in_the_fields_and_runs_nothing(answer: str) -> None:
    browsers = Browsers(contexts=1)
    try:
        async with browsers.context({}, locale="fr-FR") as context:
            page = await context.new_page()
            await page.set_content(PAGE)
            assert await inject_captcha_solution(page, answer) == 2
            values = await page.evaluate("[...document.querySelectorAll('textarea')].map(e => e.value)")
            assert values == [answer, answer]
            assert await page.evaluate("heard") == ["h-captcha-response", "g-recaptcha-response"]
            assert await page.title() == ""
    finally:
        await browsers.aclose()
