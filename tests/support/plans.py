"""Hold each statement to what it reads, as EXPLAIN ANALYZE tells it on many rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.life import GROWING

TIMES, FREE = 10, 1_000  # rows that may be read: so many times what is wanted, and so many more
# What an index reads is not told as rows; but what it touches is. A row that is written touches each.
BLOCKS, BLOCKS_FREE = 30, 3_000
_EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "EXECUTE")

Node = dict[str, Any]


@dataclass
class Reading:
    """Counts the rows of growing tables that are read on a connection (an execute wrapper)."""

    rows: float = 0

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        if sql.lstrip(" (\n").startswith(_EXPLAINED):
            plan = _explained(context["connection"].connection, sql, params)
            self.rows += sum(map(_read, _scans(plan)))
        return execute(sql, params, many, context)


@dataclass
class Plans:
    """Explains what runs on a connection (an execute wrapper), and gathers what reads too much."""

    walks: Mapping[str, int]  # how many rows may be walked by what, since nothing finds them
    asked_by: str = ""
    seen: set[tuple[str, str]] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        key = (self.asked_by, sql)
        if sql.lstrip(" (\n").startswith(_EXPLAINED) and key not in self.seen:
            self.seen.add(key)
            plan = _explained(context["connection"].connection, sql, params)
            found = faults(plan, self.walks.get(self.asked_by, 0))
            self.faults += [f"{self.asked_by}: {fault}\n{sql.strip()}" for fault in found]
        return execute(sql, params, many, context)


def _explained(session: Any, sql: str, params: Any) -> Node:
    """Run it as it will be run in a moment, and take that back."""
    with session.cursor() as cursor:
        cursor.execute("SAVEPOINT explained")
        try:
            cursor.execute(f"EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT JSON) {sql}", params)
            plan: Node = cursor.fetchone()[0][0]["Plan"]
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT explained")
            cursor.execute("RELEASE SAVEPOINT explained")
    return plan


def faults(plan: Node, walked: int = 0) -> list[str]:
    """Return what is wrong with how a statement reads the tables that grow."""
    wanted = max(_wanted(plan), walked)
    allowed = TIMES * wanted + FREE
    in_sequence = allowed if walked else max(wanted, FREE)
    found = [
        f"a sequential scan of {node['Relation Name']} ({_read(node):,.0f} rows)"
        for node in _scans(plan)
        if node["Node Type"] == "Seq Scan" and _read(node) > in_sequence
    ]
    hashed = [node for node in _walk(plan) if node.get("Parent Relationship") == "SubPlan"]
    if "hashed SubPlan" in json.dumps(plan) and any(map(_reads_growing_whole, hashed)):
        found.append("a hashed subplan over a whole table")
    rows = sum(map(_read, _scans(plan)))
    if rows > allowed:
        found.append(f"it reads {rows:,.0f} rows for {wanted:,.0f}")
    blocks = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    if blocks > BLOCKS * wanted + BLOCKS_FREE:
        found.append(f"it touches {blocks:,} blocks for {wanted:,.0f} rows")
    return found


def _reads_growing_whole(node: Node) -> bool:
    return any(one["Node Type"] == "Seq Scan" for one in _scans(node))


def _wanted(plan: Node) -> float:
    """Return how many rows are answered, written, or passed over up to a limit: the most of these."""
    nodes = [plan]
    for node in _walk(plan):
        if node["Node Type"] in {"ModifyTable", "Limit"}:
            nodes += node.get("Plans", [])
    return max(float(node["Actual Rows"]) * float(node["Actual Loops"]) for node in nodes)


def _scans(plan: Node) -> Iterator[Node]:
    for node in _walk(plan):
        if node.get("Relation Name") in GROWING and node["Node Type"] != "ModifyTable":
            yield node


def _read(node: Node) -> float:
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows = float(node["Actual Rows"]) + sum(float(node.get(name, 0)) for name in removed)
    return rows * float(node["Actual Loops"])


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)
