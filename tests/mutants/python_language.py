import ast
from collections.abc import Iterator, Sequence
from itertools import accumulate

from .fault import DoesNotApplyError
from .language import Language, Span

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Python(Language):
    """Python as `ast` reads it; `Class.method`, `function.inner`, `Class.FIELD` and `CONSTANT` are names."""

    folders = ("core", "server", "worker")
    suffix = ".py"
    true = "True"
    false = "False"
    nothing = "pass"

    def symbols(self, text: str) -> Iterator[tuple[str, Span]]:
        yield from _symbols(_Places(text), ast.parse(text).body, "", constants=True)

    def statement(self, text: str, part: Span) -> Span:
        return self._innermost(text, part, [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)])

    def condition(self, text: str, part: Span) -> Span:
        nodes = ast.walk(ast.parse(text))
        return self._innermost(text, part, [node.test for node in nodes if isinstance(node, ast.If | ast.While)])

    @staticmethod
    def _innermost(text: str, part: Span, nodes: "list[ast.stmt] | list[ast.expr]") -> Span:
        places = _Places(text)
        spans = [places.span(node, node) for node in nodes]
        around = [span for span in spans if span.start <= part.start and part.end <= span.end]
        if not around:
            raise DoesNotApplyError(f"nothing of that sort holds {text[slice(*part)]!r}")
        return min(around, key=lambda span: span.end - span.start)


class _Places:
    """Turns the lines and bytes by which `ast` counts into places of the text."""

    def __init__(self, text: str) -> None:
        self._lines = [line + "\n" for line in text.split("\n")]
        self._starts = [0, *accumulate(map(len, self._lines))]

    def span(self, first: ast.stmt | ast.expr, last: ast.stmt | ast.expr) -> Span:
        assert last.end_lineno is not None
        assert last.end_col_offset is not None
        return Span(self._place(first.lineno, first.col_offset), self._place(last.end_lineno, last.end_col_offset))

    def _place(self, line: int, byte: int) -> int:
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:byte].decode())


def _symbols(places: _Places, body: Sequence[ast.AST], above: str, *, constants: bool) -> Iterator[tuple[str, Span]]:
    for node in body:
        if isinstance(node, Definition):
            first = min([node, *node.decorator_list], key=lambda part: part.lineno)
            yield above + node.name, places.span(first, node)
            in_class = isinstance(node, ast.ClassDef)
            yield from _symbols(places, node.body, f"{above}{node.name}.", constants=in_class)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets if constants else ():
                if isinstance(target, ast.Name):
                    yield above + target.id, places.span(node, node)
        else:
            for part in ("body", "orelse", "finalbody", "handlers", "cases"):
                yield from _symbols(places, getattr(node, part, []), above, constants=constants)
