"""For whom a statement acts: what binds each table of tenants that it names to one owner.

A statement keeps to its owner's rows of a table by an equality (`=`, `IN`, `= ANY`) of a column that
says whose a row is:

- `account_id`, `license_id`, `device_id`, or the `id` of an account, a licence or a phone itself;
- a key of a parent (PARENTS), whose row came from a statement that was bound itself;
- one of these, or an `id`, that equals a key of a table which the statement binds already.

An INSERT sets such a column. A row's own `id` binds nothing, except where Django writes the statement
for a row that is in hand (`is_of_instance`): it saves it, reads it anew, follows a key of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import ForeignKey, Model
from postgast import nodes as ast
from postgast import parse
from postgast.pg_query_pb2 import AND_EXPR, ANY_SUBLINK, JOIN_LEFT, OR_EXPR

from licenses.models import Account, Device, License

OWNERS = frozenset({"account_id", "license_id", "device_id"})
OWNERS_THEMSELVES = (Account, License, Device)
# Safe since none comes from outside unseen: an id in a request is first looked up with its account or
# licence, and of the messages that a phone names only those count that it has attempts of.
PARENTS = frozenset(
    {
        "message_id", "batch_id", "parent_id", "claim_id", "contact_id", "contactgroup_id",
        "credential_id", "delivery_id", "endpoint_id", "event_id", "export_id",
        "import_id", "portal_id",
    }
)  # fmt: skip
# A key of a parent, though no reference: what a phone reports is kept even of no message.
AS_REPORTED = {"messaging_event": {"message_id"}}
# Whose it is stands in a text there, as "license:7".
BY_SCOPE = {"http_api_idempotencyrecord": frozenset({"scope"})}


@cache
def keys_of_tenants() -> dict[str, frozenset[str]]:
    """Return each table with a path to an account, and its columns that say whose a row is."""
    return BY_SCOPE | {
        model._meta.db_table: _keys(model)
        for model in apps.get_models()
        if not model._meta.proxy and _leads_to_account(model, frozenset())
    }


def _leads_to_account(model: Any, seen: frozenset[Any]) -> bool:
    parents = {f.related_model for f in model._meta.concrete_fields if isinstance(f, ForeignKey)}
    return model is Account or any(
        _leads_to_account(parent, seen | {model}) for parent in parents - seen - {model}
    )


def _keys(model: type[Model]) -> frozenset[str]:
    table = model._meta.db_table
    fields = model._meta.concrete_fields
    references = {str(field.column) for field in fields if isinstance(field, ForeignKey)}
    named = (OWNERS | PARENTS) & (references | AS_REPORTED.get(table, set()))
    return named | {"id"} if model in OWNERS_THEMSELVES else named


@cache
def _columns() -> dict[str, frozenset[str]]:
    return {
        model._meta.db_table: frozenset(str(field.column) for field in model._meta.concrete_fields)
        for model in apps.get_models()
    }


def unbound_tables(sql: str, *, is_of_instance: bool = False) -> list[str]:
    """Return the tables of tenants in which a statement keeps to nobody's rows."""
    text = re.sub(r"%\(\w+\)s|%s", "$1", sql).replace("%%", "%")
    found: list[str] = []
    for statement in ast.wrap(parse(text)).stmts:
        query = _Query(statement.stmt, is_of_instance=is_of_instance)
        found += query.all_unbound()
    return sorted(set(found))


class _Fact(NamedTuple):
    """A relation's column equals a value, or a column of another relation."""

    relation: str
    column: str
    other: str | None = None
    other_column: str | None = None


_INNER = "(a subquery as a value)"  # id IN (SELECT …)
_OUTER = "(what stands around this query)"


class _Query:
    """One query with the relations that it names itself, and those inside it.

    Of a CTE or a subquery it is enough that it is judged by itself; of its rows an `id` counts too. One
    without a table of tenants holds what the caller gave, as parameters do.
    """

    def __init__(
        self, node: Any, *, is_of_instance: bool = False, around: _Query | None = None
    ) -> None:
        self.node = node
        self.keys = keys_of_tenants()
        self.is_of_instance = is_of_instance
        # CTEs and subqueries, by name: do they name tables of tenants?
        self.derived: dict[str, bool] = dict(around.derived) if around else {}
        self.tables: dict[str, str] = {}  # by alias
        self.inner: list[_Query] = []
        self.facts: set[_Fact] = set()
        for cte in getattr(getattr(node, "with_clause", None), "ctes", None) or ():
            self.derived[cte.ctename] = self._nested(cte.ctequery)
        self._read(node)
        self.facts |= self._equalities(getattr(node, "where_clause", None))

    def _nested(self, node: Any) -> bool:
        """Note a query inside this one; return whether it names tables of tenants."""
        query = _Query(node, is_of_instance=self.is_of_instance, around=self)
        self.inner.append(query)
        return query.names_tenants()

    def names_tenants(self) -> bool:
        return any(table in self.keys for table in self.tables.values()) or any(
            query.names_tenants() for query in self.inner
        )

    def all_unbound(self) -> list[str]:
        return self._unbound() + [table for query in self.inner for table in query.all_unbound()]

    # --- what it names ---------------------------------------------------------------------------

    def _read(self, node: Any) -> None:
        """Note the relations and the joins of this query, and the queries inside."""
        for child in _children(node):
            match child:
                case ast.WithClause() | ast.LockingClause():
                    pass
                case ast.RangeVar():
                    name = child.alias.aliasname if child.alias else child.relname
                    if child.relname in self.derived:
                        self.derived[name] = self.derived[child.relname]
                    else:
                        self.tables[name] = child.relname
                case ast.RangeSubselect():
                    self.derived[child.alias.aliasname] = self._nested(child.subquery)
                case ast.RangeFunction():
                    self.derived[child.alias.aliasname if child.alias else "(a function)"] = False
                case ast.SelectStmt() | ast.InsertStmt() | ast.UpdateStmt() | ast.DeleteStmt():
                    self._nested(child)
                case ast.JoinExpr():
                    self._read(child)
                    self.facts |= self._joined(child)
                case _:
                    self._read(child)

    def _joined(self, join: Any) -> set[_Fact]:
        facts = self._equalities(join.quals)
        sides = [set(_aliases(side)) for side in (join.larg, join.rarg)]
        for column in join.using_clause or ():
            left, right = (min(side) for side in sides)
            facts |= {_Fact(left, column.sval, right, column.sval)}
            facts |= {_Fact(right, column.sval, left, column.sval)}
        if join.jointype == JOIN_LEFT:  # all rows of the left side stay
            return {fact for fact in facts if fact.relation in sides[1]}
        return facts

    # --- what it is bound by ---------------------------------------------------------------------

    def _equalities(self, node: Any) -> set[_Fact]:
        """Return what holds for each row that the condition lets through."""
        match node:
            case ast.BoolExpr() if node.boolop == AND_EXPR:
                return set[_Fact]().union(*map(self._equalities, node.args))
            case ast.BoolExpr() if node.boolop == OR_EXPR:
                return set.intersection(*map(self._equalities, node.args))
            case ast.A_Expr() if node.name[-1].sval == "=":
                pairs = (node.lexpr, node.rexpr), (node.rexpr, node.lexpr)
                return {fact for pair in pairs if (fact := self._fact(*pair))}
            case ast.SubLink() if node.sub_link_type == ANY_SUBLINK and not node.oper_name:
                fact = self._fact(node.testexpr, node)
                return {fact} if fact else set()
        return set()

    def _fact(self, column: Any, value: Any) -> _Fact | None:
        if not isinstance(column, ast.ColumnRef):
            return None
        relation, name = self._resolved(column)
        if isinstance(value, ast.ColumnRef):
            return _Fact(relation, name, *self._resolved(value))
        used = list(_walk(value))
        if any(isinstance(part, ast.ColumnRef) for part in used):
            return None
        links = [part.subselect for part in used if isinstance(part, ast.SubLink)]
        if not links:
            return _Fact(relation, name)
        is_of_tenants = any(_Query(link, around=self).names_tenants() for link in links)
        return _Fact(relation, name, _INNER, "id") if is_of_tenants else _Fact(relation, name)

    def _resolved(self, column: Any) -> tuple[str, str]:
        *qualifier, name = [getattr(part, "sval", "*") for part in column.fields]
        if qualifier:
            known = qualifier[-1] in self.tables or qualifier[-1] in self.derived
            return (qualifier[-1] if known else _OUTER), name
        having = [
            alias for alias, table in self.tables.items() if name in _columns().get(table, ())
        ]
        return (having[0] if len(having) == 1 else _OUTER), name

    def _unbound(self) -> list[str]:
        """Return the tables that no fact binds, directly or by what is bound already."""
        waiting = {alias for alias, table in self.tables.items() if table in self.keys}
        if isinstance(self.node, ast.InsertStmt):
            return [t for t in (self.tables[alias] for alias in waiting) if not self._is_set(t)]
        while bound := {fact.relation for fact in self.facts if self._binds(fact, waiting)}:
            waiting -= bound
        return [self.tables[alias] for alias in waiting]

    def _is_set(self, table: str) -> bool:
        columns = {column.name for column in self.node.cols or ()}
        return table == Account._meta.db_table or bool(columns & self.keys[table])

    def _binds(self, fact: _Fact, waiting: set[str]) -> bool:
        if fact.relation not in waiting:
            return False
        keys = self.keys[self.tables[fact.relation]]
        if fact.other is None or self.derived.get(fact.other) is False:  # a value
            return fact.column in keys or (self.is_of_instance and fact.column == "id")
        if fact.other in waiting:
            return False
        if fact.other in self.tables and self.tables[fact.other] not in self.keys:
            return False  # a table of nobody
        is_key = fact.other_column in OWNERS | PARENTS | {"id"}
        return fact.column in keys or (fact.column == "id" and is_key)


def _children(node: Any) -> Iterator[Any]:
    for name in getattr(node, "__match_args__", ()):
        value = getattr(node, name)
        if isinstance(value, list):
            yield from value
        elif isinstance(value, ast.AstNode):
            yield value


def _walk(node: Any) -> Iterator[Any]:
    """Yield a node and what is in it, but not what is in its subqueries."""
    if isinstance(node, ast.AstNode):
        yield node
    if not isinstance(node, ast.SubLink):
        for child in _children(node):
            yield from _walk(child)


def _aliases(node: Any) -> Iterator[str]:
    for part in _walk(node):
        if isinstance(part, ast.RangeVar):
            yield part.alias.aliasname if part.alias else part.relname
        elif isinstance(part, ast.RangeSubselect | ast.RangeFunction) and part.alias:
            yield part.alias.aliasname
