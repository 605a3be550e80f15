"""What the product's modules import, read from their source without running it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})
"""What of the module os reads or writes environment variables."""


@dataclass(frozen=True)
class Import:
    """One import of one module."""

    importer: str
    imported: str
    line: int
    lazy: bool = False
    """Within a function: it happens when that is called."""

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}, imports {self.imported}"


@dataclass(frozen=True)
class Tree:
    """Modules by their full names."""

    sources: Mapping[str, str]
    packages: Collection[str] = ()
    """Those of them that are packages: a relative import starts in them, not beside them."""

    def imports(self) -> list[Import]:
        return [found for name in sorted(self.sources) for found in self._imports_of(name)]

    def environment_readers(self) -> list[str]:
        """The modules that name anything of os that has to do with the environment."""
        return [name for name, source in sorted(self.sources.items()) if any(_environment_words(ast.parse(source)))]

    def _imports_of(self, name: str) -> Iterator[Import]:
        for node, lazy in _statements(ast.parse(self.sources[name]), False):
            for imported in self._imported_by(node, name):
                yield Import(name, imported, node.lineno, lazy)

    def _imported_by(self, node: ast.Import | ast.ImportFrom | ast.Call, importer: str) -> Iterator[str]:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(names=names):
                base = self._base_of(node, importer)
                # What is imported from a package may be a module of it.
                inner = (f"{base}.{alias.name}" for alias in names)
                yield from dict.fromkeys(module if module in self.sources else base for module in inner)
            case ast.Call():
                yield "importlib"

    def _base_of(self, node: ast.ImportFrom, importer: str) -> str:
        if node.level == 0:
            return node.module or ""
        above = importer.split(".")[: None if importer in self.packages else -1]
        above = above[: len(above) - node.level + 1]
        return ".".join([*above, *([node.module] if node.module else [])])


def read_tree(folder: Path, packages: Collection[str]) -> Tree:
    """All modules of these top-level packages, which stand in the folder."""
    sources: dict[str, str] = {}
    found: set[str] = set()
    for package in packages:
        for file in sorted((folder / package).rglob("*.py")):
            name = ".".join(file.relative_to(folder).with_suffix("").parts)
            if file.name == "__init__.py":
                name = name.removesuffix(".__init__")
                found.add(name)
            sources[name] = file.read_text()
    return Tree(sources, found)


def is_within(module: str, package: str) -> bool:
    """Whether it is this package or module, or one inside it."""
    return module == package or module.startswith(f"{package}.")


def _statements(node: ast.AST, lazy: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom | ast.Call, bool]]:
    """Everything that imports, and whether it stands in a function."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import() | ast.ImportFrom() | ast.Call(func=ast.Name(id="__import__")):
                yield child, lazy
        yield from _statements(child, lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def _environment_words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if name in ENVIRONMENT:
                yield name
            case ast.ImportFrom(module="os" | "posix", names=names):
                yield from (alias.name for alias in names if alias.name in ENVIRONMENT | {"*"})
