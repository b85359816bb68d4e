"""The firmware's files with every arithmetic result checked: an integer beyond 31 bits or a float raises while moving.

The board's words have 32 bits, so a larger integer would be allocated there, and a locked heap would end the run.
Neither CPython nor the 64-bit VM of the `sim` target can see that. So the source is rewritten: each result of an
operator goes through `_small`, which is strict while the controller was moving after its last step.
"""

import ast
from pathlib import Path

import flushlink

FIRMWARE = Path(__file__).resolve().parents[2]
SMALLEST = -(2**30)
LARGEST = 2**30 - 1

_CHECK = '''
class Strict:
    """`on` while the controller moves; `largest` is the largest magnitude observed in that time."""

    on = False
    checked = 0
    largest = 0


def small(value):
    if Strict.on:
        Strict.checked += 1
        if type(value) is not int and type(value) is not bool:
            raise ArithmeticError("in motion an operator made a %s" % type(value).__name__)
        if not -0x40000000 <= value <= 0x3FFFFFFF:
            raise ArithmeticError("in motion an operator made %d, which is no small integer" % value)
        if value > Strict.largest or -value > Strict.largest:
            Strict.largest = abs(value)
    return value
'''

_ARM = """

def _strict_tick(self, now_us, _tick=Controller.tick):
    Strict.on = self.moving
    try:
        _tick(self, now_us)
    finally:
        Strict.on = False


Controller.tick = _strict_tick
"""


class _Rewriter(ast.NodeTransformer):
    def _checked(self, node: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Call(ast.Name("_small", ast.Load()), [node], []), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return self._checked(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return node if isinstance(node.op, ast.Not) or isinstance(node.operand, ast.Constant) else self._checked(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.Assign:
        self.generic_visit(node)
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        self.generic_visit(read)
        value = self._checked(ast.BinOp(read, node.op, node.value))
        return ast.copy_location(ast.Assign([node.target], value), node)


def rewritten(source: str) -> str:
    """The source with its operators checked."""
    tree = ast.fix_missing_locations(_Rewriter().visit(ast.parse(source)))
    at = 1 if ast.get_docstring(tree) is not None else 0
    tree.body.insert(at, ast.parse("from pump.small import Strict, small as _small").body[0])
    return ast.unparse(tree)


def write_guarded(root: Path) -> Path:
    """Writes the guarded firmware under `root`, with a guarded codec of its own; returns the root for Rig."""
    package = root / "pump"
    codec = package / "flushlink"
    codec.mkdir(parents=True)
    (package / "small.py").write_text(_CHECK)
    for source in (FIRMWARE / "pump").rglob("*.py"):
        text = rewritten(source.read_text().replace("from flushlink", "from pump.flushlink"))
        copy = package / source.relative_to(FIRMWARE / "pump")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text + (_ARM if source.name == "controller.py" else ""))
    for source in Path(flushlink.__file__).parent.glob("*.py"):
        (codec / source.name).write_text(rewritten(source.read_text()))
    return root
