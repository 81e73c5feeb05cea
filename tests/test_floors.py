"""The house keeps its shape: imports go down, each library has one door, variants do not know each other, and the calls
that would break determinism or hide a broken invariant are not there. Read from the source, so that it holds for code
no test runs."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("sim", "experiments", "viz", "scenarios")
FLOORS = ("words", "nouns", "variants", "machinery", "world", "experiments", "viz")
VARIANTS = ("sim.levers", "sim.agents", "sim.clearing", "sim.metrics", "experiments.commands", "experiments.engines")

MACHINERY = ("sim.rulebook", "sim.ledger", "sim.market", "sim.upstream", "sim.primary", "sim.quotas", "sim.enforcement",
             "sim.progress", "sim.finance", "sim.tick_*")
DOORS = {
    "yaml": ("sim.scenario_io",),
    "ruamel": ("sim.scenario_io", "experiments"),
    "networkx": ("sim.supply", "viz.map"),
    "mesa": ("sim.mesa_core", "experiments.bench*", "viz"),
    "numba": ("sim.kernel", "sim.keyed_random"),
    "pandas": ("experiments", "viz"),
    "pyarrow": ("sim.tables", "experiments", "viz"),
    "duckdb": ("experiments",),
    "solara": ("viz",),
    "reacton": ("viz",),
    "ipyvue": ("viz",),
    "ipyvuetify": ("viz",),
    "dask": ("experiments.engines.dask",),
    "distributed": ("experiments.engines.dask",),
    "ortools": ("experiments.bench*",),
    "highspy": ("experiments.bench*",),
}
"""Library -> modules (or the packages above them) that may import it. docs/architecture.md says the same in words."""


def path_of(module: str) -> Path:
    stem = ROOT.joinpath(*module.split("."))
    return stem / "__init__.py" if stem.is_dir() else stem.with_suffix(".py")


@cache
def modules() -> tuple[str, ...]:
    """Every module of the project, dotted."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return tuple(found)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text(), filename=str(path_of(module)))


def statements(node: ast.AST, with_types: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Import statements at any depth, with or without those for types alone."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
    elif with_types or not (isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING")):
        for child in ast.iter_child_nodes(node):
            yield from statements(child, with_types)


@cache
def imports(module: str, with_types: bool = True) -> tuple[tuple[str, int], ...]:
    """Modules that a module imports anywhere in its file (inside functions and for types too), with lines.
    `from sim import x` counts as sim.x when that is a module."""
    known = set(modules())
    found: list[tuple[str, int]] = []
    for node in statements(tree(module), with_types):
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno) for alias in node.names)
        else:
            assert node.level == 0, f"{module}:{node.lineno} imports by dots; write the whole name"
            base = node.module or ""
            deeper = [f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in known]
            found.extend((name, node.lineno) for name in deeper or [base])
    return tuple(found)


def own_imports(module: str, with_types: bool = True) -> list[tuple[str, int]]:
    return [(name, line) for name, line in imports(module, with_types)
            if name.split(".")[0] in PACKAGES and name != module]


@cache
def layout() -> dict[str, int]:
    """Module or package -> floor, read from the layout block of docs/architecture.md."""
    block = (ROOT / "docs/architecture.md").read_text().split("```")[1]
    floor_of: dict[str, int] = {"scenarios": 0, "experiments": FLOORS.index("experiments"), "viz": FLOORS.index("viz")}
    floor_of["experiments.commands.viz"] = FLOORS.index("viz")  # the verb that opens the page stands with the page
    inside = block[block.index("\nsim/"):block.index("\nexperiments/")]
    for line in inside.splitlines():
        match = re.fullmatch(r"  (?P<names>.+?)  +(?P<floor>\w+)(: .*)?", line)
        if match and match["floor"] in FLOORS:
            for name in match["names"].split():
                floor_of[f"sim.{name.rstrip('/*_')}"] = FLOORS.index(match["floor"])
    floor_of["sim"] = FLOORS.index("world")
    return floor_of


def floor(module: str) -> int:
    """Floor of a module: its own line of the layout, else that of its folder or prefix (`tick_*`); the door `sim` is
    the world's."""
    floor_of = layout()
    if module in floor_of:
        return floor_of[module]
    parents = [name for name in floor_of if name != "sim" and module.startswith((f"{name}.", f"{name}_"))]
    if not parents:
        raise AssertionError(f"{module} stands on no floor: give it one in the layout of docs/architecture.md")
    return floor_of[max(parents, key=len)]


def within(module: str, folders: tuple[str, ...]) -> bool:
    """Whether a module is one of these, lies in one of them, or has a prefix written `sim.tick_*`."""
    return any(module == folder or module.startswith(folder[:-1] if folder.endswith("*") else f"{folder}.")
               for folder in folders)


def test_the_layout_names_every_floor() -> None:
    assert {FLOORS[number] for number in layout().values()} == set(FLOORS)


@pytest.mark.parametrize("module", modules())
def test_imports_go_down(module: str) -> None:
    rising = [f"{module}:{line} ({FLOORS[floor(module)]}) imports {name} ({FLOORS[floor(name)]})"
              for name, line in own_imports(module) if floor(name) > floor(module)]
    assert not rising, "\n".join(rising)


def test_no_cycles() -> None:
    """At run time; that types follow the floors too is tested above."""
    graph = {module: {name for name, _ in own_imports(module, with_types=False)} for module in modules()}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("folder", VARIANTS)
def test_variants_do_not_know_each_other(folder: str) -> None:
    own = [module for module in modules() if module.startswith(f"{folder}.")]
    sideways = [f"{module}:{line} imports {name}" for module in own for name, line in own_imports(module)
                if name.startswith(f"{folder}.") and name != f"{folder}.base"]
    assert not sideways, "\n".join(sideways)


@pytest.mark.parametrize("module", modules())
def test_each_library_has_one_door(module: str) -> None:
    wrong = [f"{module}:{line} imports {name}; only {', '.join(DOORS[name.split('.')[0]])} may"
             for name, line in imports(module)
             if name.split(".")[0] in DOORS and not within(module, DOORS[name.split(".")[0]])]
    assert not wrong, "\n".join(wrong)


# --- banned calls

REDUCTIONS = ("sum", "mean", "average", "dot", "matmul", "einsum", "inner", "vdot", "prod", "nansum", "nanmean",
              "trapezoid")
DECIDING = ("sim.agents", *(module for module in MACHINERY if module != "sim.ledger"))
"""Where a float that feeds a decision could be summed over actors or chips. The Ledger's columns are integers."""


def dotted(node: ast.expr) -> str:
    """`np.random.default_rng` for the expression that reads so; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else f"?.{node.attr}"
    return "?"


def is_kernel(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        "kernel" in ast.unparse(decorator) for decorator in node.decorator_list)


def outside_kernels(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a module, the bodies of kernels left out: there a sum is a loop in row order."""
    for child in ast.iter_child_nodes(node):
        if not is_kernel(child):
            yield child
            yield from outside_kernels(child)


WHOLE = frozenset((
    "active", "allowance", "booked", "cancelled", "delivered", "finished", "held", "let", "moving", "networks",
    "orders", "queue", "rented", "stock"))
"""Columns of whole chips or networks: their sums are exact in any order. Checked on a built world below."""
WHOLE_WORDS = WHOLE | {"apply", "cents", "chips", "distributor_queue", "paid", "at_list", "shipped", "taken"}
"""The same, and what a rule calls such a column or money in cents."""


def is_whole(node: ast.expr) -> bool:
    """Whether an expression can only hold integers or truths, by the names in it."""
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word):
            return word in WHOLE_WORDS
        case ast.Subscript(value=value):
            return is_whole(value)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return is_whole(left) and is_whole(right)
    return isinstance(node, ast.Compare)


def adds_integers(call: ast.Call) -> bool:
    """A sum of whole numbers: by the names summed, or because it says so."""
    assert isinstance(call.func, ast.Attribute)
    stated = any(word.arg == "dtype" and dotted(word.value) in ("np.int64", "int") for word in call.keywords)
    return stated or is_whole(call.func.value)


def reductions(module: str) -> list[str]:
    """Float reductions of numpy whose rounding would change when a row is added."""
    found = []
    for node in outside_kernels(tree(module)):
        where = f"{module}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            found.append(f"{where} uses @")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS \
                and dotted(node.func) != "math.prod" and not adds_integers(node):
            found.append(f"{where} calls {ast.unparse(node.func)}")
    return found


@pytest.mark.parametrize("module", [module for module in modules() if within(module, DECIDING)])
def test_floats_are_summed_in_row_order(module: str) -> None:
    """numpy pairs rows by place: use ordered_sum, or say dtype=np.int64 where the numbers are whole."""
    assert not reductions(module), "\n".join(reductions(module))


def test_whole_columns_are_whole() -> None:
    import numpy as np

    import sim

    world = sim.build(sim.load("history"), seed=1)
    parts = [world, *(part for part in vars(world).values() if type(part).__module__.startswith("sim."))]
    found = {(name, value.dtype.kind) for part in parts for name, value in vars(part).items()
             if name in WHOLE and isinstance(value, np.ndarray)}
    assert {name for name, _ in found} == WHOLE
    assert {kind for _, kind in found} <= {"i", "b"}


def chance(module: str) -> list[str]:
    """Uses of any randomness but keyed_random, and of the wall clock."""
    banned = re.compile(r"(np|numpy)\.random(\.|$)|(self|model|world|\?)\.(random|rng)(\.|$)|uuid\.|secrets\."
                        r"|os\.urandom|(datetime|date)\.(now|today|utcnow)$|time\.time(_ns)?$")
    found = [f"{module}:{line} imports {name}" for name, line in imports(module)
             if name in ("random", "secrets", "uuid") or name.startswith("numpy.random")]
    found.extend(f"{module}:{node.lineno} uses {dotted(node)}" for node in ast.walk(tree(module))
                 if isinstance(node, ast.Attribute) and banned.match(dotted(node)))
    return found


@pytest.mark.parametrize("module", [module for module in modules() if within(module, ("sim",))])
def test_chance_is_keyed_and_time_is_the_clocks(module: str) -> None:
    assert not chance(module), "\n".join(chance(module))


@pytest.mark.parametrize("module", [module for module in modules() if within(module, ("sim",))])
def test_invariants_are_raised_not_asserted(module: str) -> None:
    """`python -O` drops asserts; an invariant raises InvariantError instead."""
    asserts = [f"{module}:{node.lineno}" for node in ast.walk(tree(module)) if isinstance(node, ast.Assert)]
    assert not asserts, f"assert in {', '.join(asserts)}"


@pytest.mark.parametrize("module", [module for module in modules() if within(module, ("sim",))])
def test_no_set_is_walked_unsorted(module: str) -> None:
    """The order of a set of text changes from process to process."""
    found = []
    for node in ast.walk(tree(module)):
        for walked in ([node.iter] if isinstance(node, ast.For | ast.comprehension) else []):
            literal = isinstance(walked, ast.Set | ast.SetComp)
            if literal or (isinstance(walked, ast.Call) and dotted(walked.func) in ("set", "frozenset")):
                found.append(f"{module}:{walked.lineno}")
    assert not found, f"a set is walked in {', '.join(found)}; sort it"


# --- the rules above catch what they are for

@pytest.mark.parametrize(("source", "finder", "caught"), [
    ("x = np.sum(a)", reductions, 1),
    ("x = a.sum()", reductions, 1),
    ("x = a @ b", reductions, 1),
    ("x = a.sum(dtype=np.int64)", reductions, 0),
    ("x = ledger.stock[own].sum(axis=0)", reductions, 0),
    ("x = (ledger.stock * worth).sum()", reductions, 1),
    ("@kernel\ndef f(a):\n    return a.sum()", reductions, 0),
    ("x = np.random.rand()", chance, 1),
    ("x = self.random.choice(y)", chance, 1),
    ("import random", chance, 1),
    ("t = time.time()", chance, 1),
    ("t = time.perf_counter()", chance, 0),
])
def test_the_finders_find(source: str, finder: object, caught: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = ast.parse(source)
    monkeypatch.setitem(globals(), "tree", lambda module: parsed)
    monkeypatch.setitem(globals(), "imports", lambda module, with_types=True: tuple(
        (alias.name, node.lineno) for node in ast.walk(parsed) if isinstance(node, ast.Import) for alias in node.names))
    assert callable(finder)
    assert len(finder("sim.example")) >= caught if caught else not finder("sim.example")
