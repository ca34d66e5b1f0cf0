"""What every page must be: balanced, self-contained, bilingual. Used by the tests of all pages."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# void in HTML, or written by our charts without content
VOID = {"meta", "link", "br", "hr", "img", "input", "path", "line", "rect", "circle", "polyline"}
CJK = re.compile(r"[\u4e00-\u9fff]")


class Checker(HTMLParser):
    """Collects faults: unbalanced tags, text in one language only, references to other hosts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.tags: list[str] = []
        self.scripts = 0
        self.pairs: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {k: v or "" for k, v in attrs}
        self.tags.append(tag)
        self.scripts += tag == "script" or any(k.startswith("on") for k in found)
        if any("//" in v for k, v in found.items() if k in {"href", "src", "style", "action"}):
            self.faults.append(f"external reference in <{tag} {found}>")
        if "bi" in found.get("class", "").split():
            self.pairs.append(("", ""))
        if tag not in VOID:
            self.open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1][0] != tag:
            self.faults.append(
                f"</{tag}> closes {self.open[-1][0] if self.open else 'nothing'} {self.getpos()}"
            )
            return
        self.open.pop()

    def _inside(self, *classes: str) -> bool:
        return any(set(classes) & set(a.get("class", "").split()) for _, a in self.open)

    def handle_data(self, data: str) -> None:
        names = [tag for tag, _ in self.open]
        if not data.strip() or "style" in names:
            return
        english = any(a.get("lang") == "en" for _, a in self.open)
        if self._inside("bi") and self.pairs:
            zh, en = self.pairs[-1]
            self.pairs[-1] = (zh, en + data) if english else (zh + data, en)
        elif CJK.search(data) and not english:
            self._chinese_alone(data, names)
        if english and CJK.search(data):
            self.faults.append(f"Chinese marked as English: {data!r}")

    def _chinese_alone(self, data: str, names: list[str]) -> None:
        """Chinese outside a bilingual element is allowed where English stands in the same element."""
        both_in_one = "title" in names or "desc" in names
        beside = names[-1] in {"figcaption", "text", "li"} or self._inside("brand", "badge", "banner")
        short = self._inside("o", "unit", "data")
        if not (both_in_one or beside or short):
            self.faults.append(f"Chinese without English: {data!r} in {names[-3:]}")


def check(html: str) -> Checker:
    """Parse ``html`` and return the checker with its findings."""
    checker = Checker()
    checker.feed(html)
    checker.close()
    checker.faults += [f"<{tag}> left open" for tag, _ in checker.open]
    checker.faults += [
        f"English missing beside {zh!r}" for zh, en in checker.pairs if CJK.search(zh) and not en
    ]
    return checker
