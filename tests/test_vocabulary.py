"""House rules of language: how a docstring begins, and which documents a text may cite."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator

from smsgate.config import PROJECT_DIR

# Begin with "Return …", "Say whether …", or the standard name of the thing.
_VERBLESS = re.compile(r"(Answers|What|Whether)\b")
# By their number, or by a name in capitals: pages of docs/ are in lower case.
_ELSEWHERE = re.compile(r"\b[Dd]ocument[ _]0\d\d|\b(API|DESIGN|DIALECTS|PROTOCOL|STYLE)\.md\b")


def files(*patterns: str) -> list[str]:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    found = subprocess.run(listing, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True, check=True)
    return [name for name in found.stdout.splitlines() if (PROJECT_DIR / name).is_file()]


def docstrings(name: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse((PROJECT_DIR / name).read_text("utf-8"))):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def test_a_docstring_begins_with_no_word_that_hides_what_it_is() -> None:
    product = [
        name
        for name in files("*.py")
        if not name.startswith(("tests/", "bench/")) and "/migrations/" not in name
    ]
    assert "messaging/fold.py" in product
    assert [
        f"{name}:{line}: {text.splitlines()[0]}"
        for name in product
        for line, text in docstrings(name)
        if _VERBLESS.match(text)
    ] == []


def test_code_and_docs_cite_only_what_is_in_the_repository() -> None:
    assert [
        f"{name}: {found[0]}"
        for name in files("*.py", "*.sql", "*.kt", "*.md", "*.sh", "*.js", "*.java", "Makefile")
        if name != "tests/test_vocabulary.py"
        for found in _ELSEWHERE.finditer((PROJECT_DIR / name).read_text("utf-8"))
    ] == []


# A name that nobody should give, and the test that a new dialect's author writes.
_NO_TESTS = {"test_cancel_2", "test_acme"}


def test_each_test_that_a_document_names_is_there() -> None:
    sources = [PROJECT_DIR / name for name in files("tests/*.py", "tests/**/*.py")]
    known = {file.stem for file in sources}
    for file in sources:
        known |= set(re.findall(r"def (test_\w+)", file.read_text("utf-8")))
    named = {
        (name, test)
        for name in files("*.md")
        for test in re.findall(r"\btest_\w+", (PROJECT_DIR / name).read_text("utf-8"))
    }
    assert {test for _, test in named} >= _NO_TESTS | {"test_it_counts_parts"}
    assert [each for each in sorted(named) if each[1] not in known | _NO_TESTS] == []
