"""Inlines integer constants that a module imports from another: a name costs memory and time on the board.

MicroPython's compiler inlines `_NAME = const(1)` only within a module. This step replaces the names of imported
constants before the source is compiled; constants and imports without a remaining use are removed.
All other text is unchanged, with its brackets: `a, b = b, a` allocates nothing on the board, `(a, b) = (b, a)` does.
"""

import ast
from collections.abc import Callable, Container, Iterable, Mapping

# Larger integers are objects on MicroPython's heap.
_SMALL = 2**30
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__, ast.FloorDiv: int.__floordiv__,
    ast.Pow: int.__pow__, ast.LShift: int.__lshift__, ast.RShift: int.__rshift__, ast.BitOr: int.__or__,
    ast.BitAnd: int.__and__,
}  # fmt: skip


def inline_constants(sources: Mapping[str, str], texts: Iterable[str] = ()) -> dict[str, str]:
    """The sources, by path as in "pump/runner.py", with the constants of other modules inlined.

    `texts` are other files on the board: a name that they use stays. Raises SyntaxError.
    """
    modules = {_module_name(path): _Module(_module_name(path), path, text) for path, text in sources.items()}
    for module in modules.values():
        module.resolve(modules)
    used = {name for text in texts for name in _Module("", "", text).used_names()}
    for module in modules.values():
        module.inline(modules)
    within = used.union(*(module.used_names() for module in modules.values()))
    for module in modules.values():
        module.remove_constants(within)
    within = used.union(*(module.used_names() for module in modules.values()))
    for module in modules.values():
        module.remove_imports(within)
    return {path: modules[_module_name(path)].text() for path in sources}


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Module:
    """`constants`: its own and imported integers by name; `aliases`: local names of other modules."""

    def __init__(self, name: str, path: str, text: str) -> None:
        self.name = name
        self._package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        self.tree = tree = ast.parse(text, path)
        # Columns of the tree count bytes.
        self._lines = [line.encode() for line in text.splitlines(keepends=True)]
        self._changes: list[tuple[ast.expr | ast.stmt, str]] = []
        # In the source, but not in the result.
        self._gone: set[ast.AST] = set()
        self.own: dict[str, ast.expr] = {}
        self.constants: dict[str, int] = {}
        self.aliases: dict[str, str] = {}
        self._resolved = False
        bound: dict[str, int] = {}
        for node in ast.walk(tree):
            for given in _bound(node):
                bound[given] = bound.get(given, 0) + 1
        self.bound_once = {given for given, times in bound.items() if times == 1}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                given = node.targets[0].id
                if len(node.targets) == 1 and given.isupper() and given in self.bound_once:
                    self.own[given] = node.value

    def resolve(self, modules: Mapping[str, "_Module"]) -> None:
        """Finds the names of integers."""
        if self._resolved:
            return
        self._resolved = True
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            source = self.source_of(node)
            for alias in node.names:
                local = alias.asname or alias.name
                whole = f"{source}.{alias.name}"
                if whole in modules:
                    self.aliases[local] = whole
                elif source in modules and local in self.bound_once:
                    modules[source].resolve(modules)
                    value = modules[source].constants.get(alias.name)
                    if value is not None:
                        self.constants[local] = value
        for name, expression in self.own.items():
            value = self._value(expression)
            if value is not None and abs(value) < _SMALL:
                self.constants[name] = value

    def source_of(self, node: ast.ImportFrom) -> str:
        """The full name of the module that the statement imports from."""
        if not node.level:
            return node.module or ""
        package = self._package.split(".")
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, node.module] if node.module else package)

    def _value(self, node: ast.expr) -> int | None:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
            return self._value(node.args[0])
        if isinstance(node, ast.Constant):
            return node.value if type(node.value) is int else None
        if isinstance(node, ast.Name):
            return self.constants.get(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._value(node.operand)
            return None if value is None else -value
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            left, right = self._value(node.left), self._value(node.right)
            return None if left is None or right is None else _OPERATORS[type(node.op)](left, right)
        return None

    def inline(self, modules: Mapping[str, "_Module"]) -> None:
        """Replaces names by numbers, and drops their imports."""
        # Only Python 3.12 and newer give the position of a name in an f-string.
        formatted = {node for text in ast.walk(self.tree) if isinstance(text, ast.JoinedStr) for node in ast.walk(text)}
        in_text = {node.id for node in formatted if isinstance(node, ast.Name)}
        constants = {name: value for name, value in self.constants.items() if name not in in_text}
        for node in ast.walk(self.tree):
            if node in formatted:
                continue
            value: int | None = None
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                value = constants.get(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self.aliases:
                value = modules[self.aliases[node.value.id]].constants.get(node.attr)
            elif isinstance(node, ast.ImportFrom) and self.source_of(node) in modules:
                self._gone.update(alias for alias in node.names if (alias.asname or alias.name) in constants)
            if value is not None and isinstance(node, ast.expr):
                self._change(node, str(value) if value >= 0 else f"({value})")

    def _change(self, node: ast.expr | ast.stmt, text: str) -> None:
        inner = set(ast.walk(node))
        self._changes = [change for change in self._changes if change[0] not in inner] + [(node, text)]
        self._gone |= inner

    @staticmethod
    def _loads(nodes: Iterable[ast.AST]) -> set[str]:
        return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}

    def _left(self) -> list[ast.AST]:
        return [node for node in ast.walk(self.tree) if node not in self._gone]

    def used_names(self) -> set[str]:
        """Names used of other modules: "pump.codes.LEAK" for an import, "LEAK" for an attribute.

        With getattr any text can be such a name.
        """
        left = self._left()
        names = {node.attr for node in left if isinstance(node, ast.Attribute)}
        if (names | self._loads(left)) & {"getattr", "hasattr", "__dict__"}:
            names |= {node.value for node in left if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for node in left:
            if isinstance(node, ast.ImportFrom):
                names |= {f"{self.source_of(node)}.{alias.name}" for alias in node.names if alias not in self._gone}
        return names

    def remove_constants(self, used: Container[str]) -> None:
        """Removes own constants that neither this module nor, by `used`, another one uses."""
        loads = self._loads(self._left())
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in self.own and name in self.constants and not self._needed(name, loads, used):
                    self._change(node, "pass")

    def remove_imports(self, used: Container[str]) -> None:
        """Removes imports whose only uses were inlined or removed."""
        left = self._loads(self._left())
        gone = self._loads(self._gone)
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            kept = []
            for alias in node.names:
                name = alias.asname or alias.name
                if alias not in self._gone and (name not in gone or self._needed(name, left, used)):
                    kept.append(alias)
            if len(kept) < len(node.names):
                self._change(node, ast.unparse(ast.ImportFrom(node.module, kept, node.level)) if kept else "pass")

    def _needed(self, name: str, loads: Container[str], used: Container[str]) -> bool:
        return name in loads or name in used or f"{self.name}.{name}" in used

    def text(self) -> str:
        """The source with its changes."""
        lines = list(self._lines)
        self._changes.sort(key=lambda change: (change[0].lineno, change[0].col_offset), reverse=True)
        for place, new in self._changes:
            first, last = place.lineno - 1, (place.end_lineno or place.lineno) - 1
            before, after = lines[first][: place.col_offset], lines[last][place.end_col_offset :]
            lines[first : last + 1] = [before + new.encode() + after]
        return b"".join(lines).decode()


def _bound(node: ast.AST) -> list[str]:
    """Names that a node binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.ImportFrom | ast.Import):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Global):
        return node.names
    return []
