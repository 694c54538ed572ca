"""Every selector of the marketplace's pages, each with its fallbacks, and nothing else.

Owns how things are found on a page. Owns no waiting and no decisions: whatever else here touches a page (fields and
panels, photos, session, signing in, submission, what is stored, the form's answers) imports from here and holds no
selector of its own.

Fallbacks stand in one CSS list: a page shows one generation of a widget at a time, so the first match is it.
Sources: public form fillers, autumn 2026. They drift: this is the file to edit when the marketplace changes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


def testid(name: str) -> str:
    return f'[data-testid="{name}"]'


def either(*alternatives: str) -> str:
    return ", ".join(alternatives)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True)
class PanelSelectors:
    """A dropdown: the input that toggles it and shows its value, the content that exists only while it is open."""

    trigger: str
    content: str


TITLE: Final = either(testid("title--input"), "input#title")
DESCRIPTION: Final = either(testid("description--input"), "textarea#description")
PRICE: Final = either(testid("price-input--input"), "input#price")
PHOTOS_INPUT: Final = either(testid("add-photos-input"), "input[type=file][name=photos]")
PHOTO_GRID: Final = testid("media-upload-grid")
PHOTO_THUMBNAIL: Final = f"{PHOTO_GRID} img"
FORM: Final = either(testid("title--input"), "input#title")

CATEGORY: Final = PanelSelectors(
    either(testid("catalog-select-dropdown-input"), "input#category"), testid("catalog-select-dropdown-content")
)
BRAND: Final = PanelSelectors(
    either(testid("brand-select-dropdown-input"), "input#brand"), testid("brand-select-dropdown-content")
)
SIZE: Final = PanelSelectors(
    either(testid("category-size-single-grid-input"), testid("size-select-dropdown-input"), "input#size"),
    either(testid("category-size-single-grid-content"), testid("size-select-dropdown-content")),
)
CONDITION: Final = PanelSelectors(
    either(testid("category-condition-single-list-input"), "input#condition"),
    testid("category-condition-single-list-content"),
)
COLOURS: Final = PanelSelectors(
    either(testid("color-select-dropdown-input"), "input#color"), testid("color-select-dropdown-content")
)
MATERIALS: Final = PanelSelectors(
    either(testid("category-material-multi-list-input"), "input#material"),
    testid("category-material-multi-list-content"),
)

BRAND_SEARCH: Final = either("#brand-search-input", testid("brand-search--input"))
BRAND_CUSTOM: Final = either("#custom-select-brand", testid("custom-select-brand"))
BRAND_NONE: Final = either(testid("empty-brand"), "#empty-brand")

SUGGESTION: Final = '[data-testid^="catalog-suggestion"]'
OPTION_ROW: Final = either('[role="button"]', '[role="checkbox"]', '[role="radio"]', '[role="option"]', "label", "li")
OPTION_TITLE: Final = ".web_ui__Cell__title"

SAVE_DRAFT: Final = testid("upload-form-save-draft-button")
PUBLISH: Final = testid("upload-form-save-button")

USER_MENU: Final = testid("user-menu-button")
USER_AVATAR: Final = f"{USER_MENU} img[alt]"
MEMBER_LINK: Final = 'a[href*="/member/"]'
COOKIE_BANNER: Final = "#onetrust-banner-sdk"
COOKIE_DISMISS: Final = (
    "#onetrust-reject-all-handler",
    "#onetrust-close-btn-container button",
    "#onetrust-accept-btn-handler",
)
"""In order of preference: refusing first, consent only where the banner leaves nothing else."""

DATADOME_BOX: Final = "#datadome-captcha"
CAPTCHA_WIDGET: Final = "[data-sitekey]"
HCAPTCHA_ANSWER: Final = '[name="h-captcha-response"]'
CLOUDFLARE_ERROR: Final = ".cf-error-details"
CHALLENGE_MARKS: Final[Mapping[str, str]] = {
    "datadome": DATADOME_BOX,
    "sitekey": CAPTCHA_WIDGET,
    "cloudflare_error": CLOUDFLARE_ERROR,
}


def with_text(text: str) -> str:
    """The smallest element whose whole text is this, the category suggestions aside: they choose a leaf at once."""
    return f":text-is({quoted(text)}):not({SUGGESTION}, {SUGGESTION} *)"


def category_row(category_id: int) -> str:
    """A row of the category dropdown, where the site itself told the id: ids may differ by country."""
    return f"#catalog-{category_id}"


def brand_row(name: str) -> str:
    return either(
        f'[role="button"][aria-label={quoted(name)} i]',
        f'[data-testid^="brand-radio-"]:is(:text-is({quoted(name)}), :has(:text-is({quoted(name)})))',
    )


def condition_option(condition_id: int) -> str:
    return either(testid(f"condition-radio-{condition_id}"), testid(f"condition-{condition_id}"))


def colour_option(colour_id: int) -> str:
    """The older checkbox row or the newer tile."""
    return either(testid(f"color-checkbox-{colour_id}"), testid(f"filter-grid-option-{colour_id}"))


def material_option(material_id: int) -> str:
    return testid(f"material-checkbox-{material_id}")


def parcel_option(number: int) -> str:
    return either(testid(f"package_type_selector_{number}"), testid(f"{number}-package-size--cell"))


def parcel_radio(number: int) -> str:
    return either(
        f"input{testid(f'package_type_selector_{number}--input')}",
        f"input#package_type_selector_{number}",
        f"{testid(f'{number}-package-size--cell')} input[type=radio]",
    )
