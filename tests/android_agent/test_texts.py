"""What the app says is said in each of its languages, and nowhere but in its resources."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

MAIN = Path(__file__).parents[2] / "android-agent" / "app" / "src" / "main"
SHOWN = ("text", "hint", "contentDescription", "label", "title")
ANDROID = "{http://schemas.android.com/apk/res/android}"
POLISH_FORMS = {"one", "few", "many", "other"}


def _texts(folder: str) -> dict[str, ElementTree.Element]:
    root = ElementTree.parse(MAIN / "res" / folder / "strings.xml").getroot()
    return {each.attrib["name"]: each for each in root if each.get("translatable") != "false"}


def _places(element: ElementTree.Element) -> set[tuple[str, ...]]:
    """Of a text, or of each form of a plural: what is put into it."""
    forms = list(element) or [element]
    return {tuple(sorted(re.findall(r"%(?:\d\$)?[sd]", form.text or ""))) for form in forms}


def test_each_text_is_there_in_english_and_in_polish() -> None:
    english, polish = _texts("values"), _texts("values-pl")
    assert set(english) == set(polish)
    assert {name for name in english if _places(english[name]) != _places(polish[name])} == set()
    plurals = [element for element in polish.values() if element.tag == "plurals"]
    assert plurals
    for element in plurals:
        assert {form.get("quantity") for form in element} == POLISH_FORMS, element.get("name")


def test_no_layout_has_a_text_of_its_own() -> None:
    files = [*(MAIN / "res" / "layout").glob("*.xml"), MAIN / "AndroidManifest.xml"]
    shown = [
        (file.name, value)
        for file in files
        for element in ElementTree.parse(file).iter()
        for name in SHOWN
        if (value := element.get(ANDROID + name)) is not None
    ]
    assert len(shown) > 20
    assert [text for text in shown if text[1] and not text[1].startswith("@")] == []


def test_no_text_is_left_over() -> None:
    sources = [*MAIN.rglob("*.kt"), *MAIN.rglob("*.xml")]
    used = "\n".join(file.read_text() for file in sources)
    unused = {
        name for name in _texts("values") if not re.search(rf"(string|plurals)[./]{name}\b", used)
    }
    assert unused == set()
