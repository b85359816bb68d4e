"""Numbers that a module takes from another are compiled in: on the board a name costs memory, and time when it is used.

MicroPython's compiler does this for `_NAME = const(1)` within a module only. Here the integer constants that modules
import from one another are put in their places before it sees the source; a constant that nothing names any more is
left out, and so is what was imported for such numbers only. All other text stays as it is, to the brackets:
`a, b = b, a` allocates nothing there, `(a, b) = (b, a)` does.
"""

import ast
from collections.abc import Callable, Container, Iterable, Mapping

# What MicroPython keeps in a word of the code.
_SMALL = 2**30
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__, ast.FloorDiv: int.__floordiv__,
    ast.Pow: int.__pow__, ast.LShift: int.__lshift__, ast.RShift: int.__rshift__, ast.BitOr: int.__or__,
    ast.BitAnd: int.__and__,
}  # fmt: skip


def inline_constants(sources: Mapping[str, str], texts: Iterable[str] = ()) -> dict[str, str]:
    """The sources, by path as in "pump/judge.py", with the numbers of others in them.

    `texts` are other files that are loaded with them: a name that occurs there stays. Raises SyntaxError.
    """
    modules = {_module_name(path): _Module(_module_name(path), path, text) for path, text in sources.items()}
    for module in modules.values():
        module.resolve(modules)
    asked = {name for text in texts for name in _Module("", "", text).asks()}
    for module in modules.values():
        module.put_in(modules)
    within = asked.union(*(module.asks() for module in modules.values()))
    for module in modules.values():
        module.leave_out_constants(within)
    within = asked.union(*(module.asks() for module in modules.values()))
    for module in modules.values():
        module.leave_out_imports(within)
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
        # What stands in the source and not in the text.
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
        """Finds out which names are integers."""
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

    def put_in(self, modules: Mapping[str, "_Module"]) -> None:
        """Notes where numbers go and which names are not imported any more."""
        # Where a name stands in an f-string only Python 3.12 and newer say.
        formatted = {node for text in ast.walk(self.tree) if isinstance(text, ast.JoinedStr) for node in ast.walk(text)}
        said = {node.id for node in formatted if isinstance(node, ast.Name)}
        constants = {name: value for name, value in self.constants.items() if name not in said}
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

    def asks(self) -> set[str]:
        """What it takes from modules: "pump.judge.LEAK" where it imports that, "LEAK" where only the name shows.

        With getattr any text may be such a name.
        """
        left = self._left()
        names = {node.attr for node in left if isinstance(node, ast.Attribute)}
        if (names | self._loads(left)) & {"getattr", "hasattr", "__dict__"}:
            names |= {node.value for node in left if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for node in left:
            if isinstance(node, ast.ImportFrom):
                names |= {f"{self.source_of(node)}.{alias.name}" for alias in node.names if alias not in self._gone}
        return names

    def leave_out_constants(self, asked: Container[str]) -> None:
        """Those of its own that neither it nor, by `asked`, another names any more."""
        loads = self._loads(self._left())
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in self.own and name in self.constants and not self._wanted(name, loads, asked):
                    self._change(node, "pass")

    def leave_out_imports(self, asked: Container[str]) -> None:
        """Those that served for what is gone only."""
        left = self._loads(self._left())
        gone = self._loads(self._gone)
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            kept = []
            for alias in node.names:
                name = alias.asname or alias.name
                if alias not in self._gone and (name not in gone or self._wanted(name, left, asked)):
                    kept.append(alias)
            if len(kept) < len(node.names):
                self._change(node, ast.unparse(ast.ImportFrom(node.module, kept, node.level)) if kept else "pass")

    def _wanted(self, name: str, loads: Container[str], asked: Container[str]) -> bool:
        return name in loads or name in asked or f"{self.name}.{name}" in asked

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
    """Names to which a node gives a value."""
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
