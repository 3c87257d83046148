"""The small mistakes a person could make in a function, one at a time: each is a mutant of its module.

Left out on purpose: docstrings, log lines, annotations, and strings with a space in them, which are sentences or SQL.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
OPPOSITES = {"any": "all", "all": "any", "min": "max", "max": "min"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. ``name``, the mistake in words, is counted where it can be made more than once in a function."""

    module: str
    function: str
    """As in ``Class.method``."""
    name: str
    line: int
    lines: range
    """Those of the statement: a test that runs none of them cannot notice."""
    code: CodeType
    """The whole module with this mistake in it."""


@dataclass(frozen=True, slots=True)
class _Edit:
    new: ast.AST
    told: str


def mutants(module: str, source: str, file: str) -> list[Mutant]:
    """Every mutant of every function and method of a module, in the order of the source."""
    tree = ast.parse(source)
    made: list[Mutant] = []
    for path, function in _functions(tree):
        seen: Counter[str] = Counter()
        for holder, field, at, old, lines in _places(function):
            for edit in _edits(old, holder):
                seen[edit.told] += 1
                count = seen[edit.told]
                told = edit.told if count == 1 else f"{edit.told} (#{count})"
                code = _compiled(tree, file, holder, field, at, ast.copy_location(edit.new, old))
                made.append(Mutant(module, path, told, getattr(old, "lineno", lines.start), lines, code))
    return made


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not any(_written(base) == "Protocol" for base in node.bases):
            yield from ((f"{node.name}.{each.name}", each) for each in node.body if isinstance(each, ast.FunctionDef))


def _compiled(tree: ast.Module, file: str, holder: ast.AST, field: str, at: int | None, new: ast.AST) -> CodeType:
    old = getattr(holder, field)
    if at is None:
        setattr(holder, field, new)
    else:
        setattr(holder, field, [*old[:at], new, *old[at + 1 :]])
    try:
        return compile(ast.fix_missing_locations(tree), file, "exec")
    finally:
        setattr(holder, field, old)


_Place = tuple[ast.AST, str, int | None, ast.AST, range]


def _places(function: ast.FunctionDef) -> Iterator[_Place]:
    whole = range(function.body[0].lineno, (function.end_lineno or function.lineno) + 1)
    defaults = function.args
    for field in ("defaults", "kw_defaults"):
        for at, each in enumerate(getattr(defaults, field)):
            if each is not None:
                yield defaults, field, at, each, whole
    yield from _inside(function, "body", function.body, whole)


def _inside(holder: ast.AST, field: str, children: list[ast.AST] | list[ast.stmt], lines: range) -> Iterator[_Place]:
    for at, child in enumerate(children):
        yield from _at(holder, field, at, child, lines)


def _at(holder: ast.AST, field: str, at: int | None, node: ast.AST, lines: range) -> Iterator[_Place]:
    if isinstance(node, ast.stmt):
        lines = _lines(node)
        if _is_left_out(node):
            return
    yield holder, field, at, node, lines
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "format_spec"}:
            continue
        if isinstance(value, list):
            yield from _inside(node, name, [each for each in value if isinstance(each, ast.AST)], lines)
        elif isinstance(value, ast.AST):
            yield from _at(node, name, None, value, lines)


def _lines(node: ast.stmt) -> range:
    """The lines of a statement; of one with others in it, those of its head."""
    body = getattr(node, "body", None)
    end = body[0].lineno if body else (node.end_lineno or node.lineno) + 1
    return range(node.lineno, max(end, node.lineno + 1))


def _is_left_out(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr):
        return False
    return isinstance(node.value, ast.Constant) or _written(node.value).startswith("log.")


def _written(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _edits(node: ast.AST, holder: ast.AST) -> Iterator[_Edit]:
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    elif isinstance(node, ast.ExceptHandler):
        again: list[ast.stmt] = [ast.Raise()]
        new = ast.ExceptHandler(node.type, node.name, again)
        yield _Edit(new, f"`{_written(node).split(':')[0]}` raises it again")
    elif isinstance(node, ast.expr) and not isinstance(holder, ast.JoinedStr):
        for other in _of_expression(node):
            yield _Edit(other, f"`{_short(node)}` → `{_short(other)}`")
        if isinstance(node, ast.Call):
            yield from _of_call(node)
    if isinstance(node, ast.comprehension):
        for at, condition in enumerate(node.ifs):
            ifs = [*node.ifs[:at], *node.ifs[at + 1 :]]
            new_ = ast.comprehension(node.target, node.iter, ifs, node.is_async)
            yield _Edit(new_, f"without `if {_short(condition)}`")


def _short(node: ast.AST) -> str:
    text = _written(node)
    return text if len(text) <= 90 else f"{text[:60]} … {text[-25:]}"


def _of_statement(node: ast.stmt) -> Iterator[_Edit]:
    if isinstance(node, (ast.Raise, ast.Break, ast.Continue, ast.Expr)):
        yield _Edit(ast.Pass(), f"without `{_short(node)}`")
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield _Edit(ast.Return(ast.Constant(None)), f"`{_short(node)}` → `return None`")
    if isinstance(node, (ast.If, ast.While)) and not isinstance(node.test, (ast.Compare, ast.BoolOp)):
        test = node.test
        is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        bare = test.operand if isinstance(test, ast.UnaryOp) and is_not else ast.UnaryOp(ast.Not(), test)
        kept = type(node)(bare, node.body, node.orelse)
        yield _Edit(kept, f"`if {_short(node.test)}` → `if {_short(bare)}`")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left, ops, comparators):
            for at, op in enumerate(ops):
                yield ast.Compare(left, [*ops[:at], COMPARISONS[type(op)](), *ops[at + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            yield from values
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC:
            yield ast.BinOp(left, ARITHMETIC[type(op)](), right)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case ast.Constant(str() as value) if " " not in value:
            yield ast.Constant(f"{value}X")
        case ast.Call(ast.Name(name), args, keywords) if name in OPPOSITES:
            yield ast.Call(ast.Name(OPPOSITES[name], ast.Load()), args, keywords)


def _of_call(node: ast.Call) -> Iterator[_Edit]:
    """Arguments that change places, and keywords that are forgotten."""
    for at in range(len(node.args) - 1):
        one, two = node.args[at : at + 2]
        if not (_stays(one) or _stays(two)):
            swapped = [*node.args[:at], two, one, *node.args[at + 2 :]]
            new = ast.Call(node.func, swapped, node.keywords)
            yield _Edit(new, f"`{_short(node.func)}(… {_short(one)}, {_short(two)} …)` the other way round")
    for at, keyword in enumerate(node.keywords):
        if keyword.arg:
            left = [*node.keywords[:at], *node.keywords[at + 1 :]]
            yield _Edit(ast.Call(node.func, node.args, left), f"`{_short(node.func)}` without `{_short(keyword)}`")


def _stays(argument: ast.expr) -> bool:
    """What no person would put in the other one's place, and any run would notice: SQL, and the database it goes to."""
    return isinstance(argument, (ast.Starred, ast.Constant)) or _written(argument) == "db"
