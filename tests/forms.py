"""A page as its reader sends it back and reads it: the forms on it as a browser would post them, its words alone."""

import html
import re
from html.parser import HTMLParser
from typing import Any

import httpx


class FormReader(HTMLParser):
    """The form with this action as a browser would send it: no button pressed."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action, self.inside = action, False
        self.data: dict[str, Any] = {}
        self.chooser = self.writer = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name, value = has.get("name") or "", has.get("value") or ""
        if tag == "form":
            self.inside = has.get("action") == self.action
        elif not self.inside:
            return
        elif tag == "select":
            self.chooser = name
        elif tag == "option" and ("selected" in has or self.chooser not in self.data):
            self.data[self.chooser] = value
        elif tag == "textarea":
            self.writer, self.data[name] = name, ""
        elif tag == "input" and has.get("type") in ("checkbox", "radio"):
            if "checked" in has:
                self.data.setdefault(name, []).append(value)
        elif tag == "input":
            self.data[name] = value

    def handle_data(self, data: str) -> None:
        if self.writer:
            self.data[self.writer] += data.removeprefix("\n").replace("\n", "\r\n")

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "form"
        self.writer = "" if tag == "textarea" else self.writer


def form(page: httpx.Response, action: str) -> dict[str, Any]:
    reader = FormReader(action)
    reader.feed(page.text)
    assert reader.data, f"no form with the action {action}"
    return reader.data


def without_tags(page: httpx.Response) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page.text))
