"""Constants of a compiled set: numbers in the code, names nowhere, and the same program."""

import ast
import builtins
import sys
from types import ModuleType, SimpleNamespace

import pytest

from epxhost import constfold, fileset, manifest, toolchain
from epxhost.constread import ModuleText
from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError

CONST = "from micropython import const\n"
# A module with constants that is more than constants, so that they can go.
WIRE = f"{CONST}ASK = const(4)\nDONE = const(134)\n\ndef ask():\n    return ASK\n"
FOLDED_WIRE = "pass\n_ASK = const(4)\n_DONE = const(134)\n\ndef ask():\n    return 4\n"


def fold(text, wire=WIRE, untouched=(), **more):
    """What becomes of a module that uses p.wire, and of p.wire."""
    texts = {"user": text, "p": "", "p.wire": wire, **more}
    made = constfold.folded(texts, untouched)
    assert constfold.folded(made, untouched) == made, "nothing is left to do"
    for name, before in texts.items():
        assert made[name].count("\n") == before.count("\n"), name
    return made["user"], made["p.wire"]


def stays(text, wire=WIRE, **more):
    user, _ = fold(text, wire, **more)
    assert user == text


def needs(text, name="ASK", **more):
    """This module goes on as it is, and finds the name that it needs."""
    user, wire = fold(text, **more)
    assert user == text and f"\n{name} = const(" in wire


def test_a_name_that_is_imported_becomes_its_number():
    user, wire = fold("from p.wire import ASK\nx = [ASK, -ASK]\n")
    assert user == "pass\nx = [4, -4]\n"
    assert wire == FOLDED_WIRE


def test_a_name_of_a_module_becomes_its_number():
    user, wire = fold("from p import wire\nx = wire.ASK + wire.DONE\n")
    assert user == "pass\nx = 4 + 134\n"
    assert wire == FOLDED_WIRE


def test_other_names_for_them_are_known():
    user, _ = fold("from p.wire import ASK as A\nimport p.wire as w\nx = A, w.DONE\n")
    assert user == "pass\npass\nx = 4, 134\n"


def test_what_is_used_otherwise_is_still_imported():
    user, wire = fold("from p.wire import ASK, DONE as D, ask\nask(ASK, D)\n")
    assert user == "from p.wire import ask\nask(4, 134)\n"
    assert wire == FOLDED_WIRE
    user, _ = fold("from p import wire\nwire.ask(wire.ASK)\n")
    assert user == "from p import wire\nwire.ask(4)\n"
    user, _ = fold("import p.wire as w, sys\nsys.exit(w.ASK)\n")
    assert user == "import sys\nsys.exit(4)\n"


def test_lines_keep_their_numbers():
    user, _ = fold("from p.wire import (\n    ASK,  # why\n    ask,\n)  # end\nask(ASK)\n")
    assert user == "from p.wire import ask\n\n\n  # end\nask(4)\n"
    user, _ = fold("from p.wire import ASK, \\\n    DONE\nx = ASK\n")
    assert user == "pass\n\nx = 4\n"


def test_an_import_that_is_all_of_a_body_leaves_a_statement():
    user, _ = fold("def f():\n    from p.wire import ASK\n    return ASK\n")
    assert user == "def f():\n    pass\n    return 4\n"
    user, _ = fold("if x: from p.wire import ASK; y = ASK\n")
    assert user == "if x: pass; y = 4\n"


def test_more_behind_an_import_of_several_lines_keeps_it():
    needs("from p.wire import (\n    ASK\n); x = 1\n")


def test_constants_of_constants_are_known():
    wire = (
        f"{CONST}A = const(3)\n_B = const(A << 4 | 0xF)\nC = const((_B - 1) * 2 // 3 % 100)\n"
        "D = const(~C & -A ^ 1)\nE = const(1 << 40 >> 2)\n\ndef f(): pass\n"
    )
    b = 3 << 4 | 0xF
    c = (b - 1) * 2 // 3 % 100
    d = ~c & -3 ^ 1
    user, made = fold("from p.wire import A, C, D, E\nx = A, C, D, E\n", wire)
    assert user == f"pass\nx = 3, {c}, {f'({d})' if d < 0 else d}, {1 << 38}\n"
    assert made.startswith(f"pass\n_A = const(3)\n_B = const({b})\n_C = const({c})\n")


def test_constants_of_other_modules_are_numbers_in_const():
    text = f"{CONST}from p import wire\nfrom p.wire import DONE\n_BOTH = const(wire.ASK + DONE)\n"
    user, wire = fold(f"{text}x = _BOTH\n")
    assert user == "pass\npass\npass\n_BOTH = const(138)\nx = _BOTH\n"
    assert wire == FOLDED_WIRE


def test_a_name_that_is_handed_on_is_known():
    middle = "from p.wire import ASK\n"
    texts = {"user": "from p.middle import ASK\nx = ASK\n", "p.middle": middle, "p.wire": WIRE}
    made = constfold.folded(texts)
    assert made == {"user": "pass\nx = 4\n", "p.middle": "pass\n", "p.wire": FOLDED_WIRE}


def test_a_name_that_is_handed_on_to_a_source_stays_in_both():
    texts = {"main": "from p.middle import ASK\n", "p.middle": "from p.wire import ASK\n"}
    made = constfold.folded({**texts, "p.wire": WIRE}, ["main"])
    assert {name: made[name] for name in texts} == texts
    assert "\nASK = const(4)\n" in made["p.wire"] and "\n_DONE = const(134)\n" in made["p.wire"]


def test_circles_have_no_value():
    first = f"{CONST}from p.wire import B\nA = const(B)\ndef f(): return A\n"
    wire = f"{CONST}from user import A\nB = const(A)\ndef g(): return B\n"
    stays(first, wire)


def test_numbers_are_put_so_that_they_mean_themselves():
    wire = f"{CONST}N = const(-5)\nP = const(5)\ndef f(): pass\n"
    user, _ = fold("from p.wire import N, P\nx = N ** 2, P.to_bytes(2, 'big'), N.x, -N\n", wire)
    assert user == "pass\nx = (-5) ** 2, (5).to_bytes(2, 'big'), (-5).x, -(-5)\n"


def test_texts_comments_keywords_and_attributes_of_others_stay():
    rest = "f(DONE=1).other = {'x': 'DONE, ASK'}  # ASK: DONE\n"
    user, _ = fold(f"from p.wire import ASK, DONE\ng(DONE)\n{rest}")
    assert user == f"pass\ng(134)\n{rest}"


@pytest.mark.parametrize(
    "other",
    [
        "def f(ASK): return ASK\n",
        "def f():\n    ASK = 3\n    return ASK\n",
        "def f():\n    global ASK\n    ASK = 3\n",
        "g = lambda ASK: ASK\n",
        "x = [ASK for ASK in y]\n",
        "for ASK in y: pass\n",
        "try: pass\nexcept OSError as ASK: pass\n",
        "with y as ASK: pass\n",
        "del ASK\n",
        "ASK += 1\n",
        "def ASK(): pass\n",
        "class ASK: pass\n",
        "from q import ASK\n",
        "match y:\n    case ASK: pass\n",
        "match y:\n    case [*ASK]: pass\n",
        "match y:\n    case {**ASK}: pass\n",
    ],
)
def test_a_name_that_means_something_else_anywhere_stays(other):
    needs(f"from p.wire import ASK\nx = ASK\n{other}")


def test_a_constant_whose_name_means_something_else_in_its_module_stays():
    for other in ("ASK = 5\n", "def f(ASK): return ASK\n", "from q import ASK\n"):
        stays("from p.wire import ASK\nx = ASK\n", WIRE + other)


def test_an_import_in_a_class_is_an_attribute_of_it():
    needs("class A:\n    from p.wire import ASK\n    x = ASK\n")


def test_a_module_whose_attribute_is_set_is_left_alone():
    needs("from p import wire\nx = wire.ASK\nwire.ASK = 5\n")


@pytest.mark.parametrize(
    "other",
    [
        "x = getattr(y, 'ASK')\n",
        "x = y.ASK\n",
        "from p import wire as part\nf(part)\n",
        "from p import wire as part\nx = getattr(part, 'A' + y)\n",
        "if x:\n    from p import wire as part\nelse:\n    from q import part\nf(part.ASK)\n",
        "import p.wire\nx = p.wire.ASK\n",
        "from p.wire import *\n",
        "from p.wire import ASK\nx = f'{ASK}'\n",
    ],
)
def test_a_name_that_may_be_wanted_at_run_time_stays(other):
    user, wire = fold("from p.wire import ASK\nx = ASK\n", q="part = 1\n", other=other)
    assert user.endswith("\nx = 4\n")
    assert "\nASK = const(4)\n" in wire


def test_what_the_device_gets_as_source_is_not_rewritten():
    text = "from p.wire import ASK\nx = ASK\n"
    user, wire = fold("from p.wire import ASK\nx = ASK\n", untouched=["main"], main=text)
    assert user == "pass\nx = 4\n" and "\nASK = const(4)\n" in wire
    assert constfold.folded({"main": text, "p.wire": WIRE}, ["main"])["main"] == text


def test_a_private_name_that_is_taken_stays():
    user, wire = fold("from p.wire import ASK\nx = ASK\n", f"{WIRE}_ASK = 7\n")
    assert user == "pass\nx = 4\n" and "\nASK = const(4)\n" in wire


def test_a_name_above_its_definition_is_a_number_too():
    """MicroPython knows a constant only below its line."""
    wire = f"def f():\n    return ASK.x\n\n{CONST}ASK = const(4)\n"
    assert fold("", wire)[1] == "def f():\n    return (4).x\n\npass\n_ASK = const(4)\n"


def test_a_module_of_constants_only_keeps_them_and_is_not_loaded():
    wire = f'"""Times."""\n{CONST}SECONDS = const(1000)\nMINUTES = const(60 * SECONDS)\n'
    user, made = fold("from p.wire import MINUTES\nx = 5 * MINUTES\n", wire)
    assert user == "pass\nx = 5 * 60000\n"
    assert made == '"""Times."""\npass\nSECONDS = const(1000)\nMINUTES = const(60000)\n'


def test_what_an_import_starts_is_still_started():
    wire = f"{WIRE}start()\n"
    text = "from p.wire import ASK, DONE\nx = ASK, DONE\n"
    user, made = fold(text, wire)
    assert user == "from p.wire import ASK, DONE\nx = 4, 134\n"
    assert "\nASK = const(4)\nDONE = const(134)\n" in made
    module = "from p import wire\nx = wire.ASK\n"
    assert fold(module, wire)[0] == "from p import wire\nx = 4\n"
    # The same one import further.
    user, _ = fold(text, f"import starter\n{WIRE}", starter="print(1)\n")
    assert user == "from p.wire import ASK, DONE\nx = 4, 134\n"


def test_an_import_goes_if_the_module_is_loaded_anyway():
    text = "from p.wire import ASK\nx = ASK\n"
    wire = f"{WIRE}start()\n"
    entry = "from p.wire import ask\nimport user\n"
    assert fold(text, wire, untouched=["main"], main=entry)[0] == "pass\nx = 4\n"
    late = "import user\n\ndef f():\n    from p.wire import ask\n"
    assert fold(text, wire, untouched=["main"], main=late)[0] == (
        "from p.wire import ASK\nx = 4\n"
    ), "perhaps it is never called"


def test_const_is_imported_only_if_something_is_left_for_it():
    user, _ = fold(f"{CONST}_A = const(1)\n_B = const(-1)\n_C = const(b'x')\n_D = const('y')\n")
    assert user.startswith("pass\n")
    for line in ("_A = const(x)\n", "f(const)\n", "_A = const(1.5)\n", "x = {1: const(1)}\n"):
        assert fold(f"{CONST}_X = const(2)\n{line}")[0].startswith(CONST)
    user, _ = fold("from micropython import const, mem_info\n_A = const(1)\nmem_info()\n")
    assert user.startswith("from micropython import mem_info\n")


@pytest.mark.parametrize(
    "value",
    ["1 // 0", "1 << 65", "-1 << -1", "True", "1.0", "b'x'", "'x'", "(1, 2)", "f()", "2 / 1"],
)
def test_what_is_no_whole_number_stays(value):
    wire = f"{CONST}ASK = const({value})\n\ndef f(): pass\n"
    stays("from p.wire import ASK\nx = ASK\n", wire)


def test_another_const_is_not_meant():
    stays("from p.wire import ASK\nx = ASK\n", "from q import const\nASK = const(4)\n")
    stays("from p.wire import ASK\nx = ASK\n", "ASK = 4\n")


def test_characters_of_several_bytes_shift_nothing():
    user, _ = fold("from p.wire import ASK\nx = 'Größe °C', ASK  # ° ASK\ny = {'ü': ASK}\n")
    assert user == "pass\nx = 'Größe °C', 4  # ° ASK\ny = {'ü': 4}\n"


def test_a_set_with_a_text_that_is_no_program_is_left_to_the_compiler():
    texts = {"user": "from p.wire import ASK\nx = ASK\n", "p.wire": WIRE, "bad": "def\n"}
    assert constfold.folded(texts) == texts


def test_the_program_does_the_same(monkeypatch):
    user = (
        f"{CONST}from p import wire\nfrom p.wire import ASK, ask\n_TWICE = const(2 * ASK)\n"
        "def f(x=wire.DONE, *, ASK_=ASK):\n"
        "    from p.wire import DONE as D\n"
        "    return [x, ASK_, _TWICE, D - ASK, ask(), {wire.ASK: 'ASK'}, (lambda: ASK)()]\n"
        "result = f()\n"
    )
    texts = {"p": "", "p.wire": WIRE, "user": user}

    def run(texts):
        # The compiler knows const without its import.
        known = {"const": lambda value: value}
        monkeypatch.setitem(sys.modules, "micropython", SimpleNamespace(**known))
        for name, text in texts.items():
            module = ModuleType(name)
            vars(module).update(known)
            monkeypatch.setitem(sys.modules, name, module)
            exec(compile(text, name, "exec"), vars(module))
            if name == "p.wire":
                sys.modules["p"].wire = module
        return sys.modules["user"].result

    assert run(constfold.folded(texts)) == run(texts) == [134, 4, 8, 130, 4, {4: "ASK"}, 4]


# The sets of this repository.


def sources(profile):
    """{dotted name: text}, before and after."""
    files = [each for each in manifest.device_files(profile) if each.remote.suffix == ".py"]
    before = {
        toolchain.module_name(each.remote).removesuffix(".__init__"): (
            ROOT / each.local
        ).read_text()
        for each in files
    }
    return before, constfold.folded(before, ["main", "boot"])


@pytest.fixture(scope="module", params=profiles())
def made(request):
    return sources(request.param)


def top_names(tree):
    """What others can import."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name.split(".")[0])
            case ast.arg(arg=name):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
    return found


def test_whatever_is_used_is_there(made):
    trees = {name: ast.parse(text) for name, text in made[1].items()}
    names = {name: top_names(tree) | {"__name__", "__file__"} for name, tree in trees.items()}
    for user, tree in trees.items():
        const_calls = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
        modules = {}
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(module=module, names=aliases) if module in trees:
                    for alias in aliases:
                        below = f"{module}.{alias.name}"
                        assert below in trees or alias.name in names[module], (user, below)
                        modules |= {alias.asname or alias.name: below} if below in trees else {}
                case ast.Name(id="const", ctx=ast.Load()):
                    assert id(node) in const_calls
                case ast.Name(id=name, ctx=ast.Load()):
                    assert name in names[user] or hasattr(builtins, name), (user, name)
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in modules:
                    if name != "part":  # which is several modules
                        assert attr in names[modules[name]], (user, name, attr)


def test_nothing_else_is_changed(made):
    """Undone by hand the texts are the same again, but for imports."""
    before, after = made
    values = known_values(before)
    count = 0
    for name, text in before.items():
        old, new = ast.parse(text), ast.parse(after[name])
        count += compare(ModuleText(name, text, before), old, new, values)
    assert count > 50


def known_values(texts):
    """{(module, name): number} of all const lines, computed by Python itself."""
    values = {}
    for _ in range(3):  # for constants of constants of other modules
        for module, text in texts.items():
            space = {"const": lambda value: value}
            for node in ast.parse(text).body:
                if isinstance(node, ast.ImportFrom) and node.module in texts:
                    for alias in node.names:
                        space[alias.name] = values.get((node.module, alias.name))
                elif isinstance(node, ast.Assign) and "const(" in ast.unparse(node.value):
                    try:
                        exec(ast.unparse(node), {"__builtins__": {}}, space)
                        values[module, node.targets[0].id] = space[node.targets[0].id]
                    except (NameError, TypeError):
                        continue
    return values


def compare(file, old, new, values):
    """How many numbers stand where a name stood; the rest is the same."""
    if isinstance(old, ast.Import | ast.ImportFrom):
        assert isinstance(new, type(old) | ast.Pass) and new.lineno == old.lineno
        return 0
    if isinstance(old, ast.expr) and ast.dump(old) != ast.dump(new):
        match old, new:
            case ast.Name(id=name, ctx=ast.Store()), ast.Name(id=other):
                assert other == f"_{name}" and (file.name, name) in values
                return 0
            case ((ast.Name() | ast.Attribute()), (ast.Constant() | ast.UnaryOp())):
                assert ast.literal_eval(new) == value_of(file, old, values)
                return 1
            case ((ast.BinOp() | ast.UnaryOp()), ast.Constant()):
                return 0  # in const(): what follows from it is compared where it is used
    assert type(old) is type(new)
    if isinstance(old, ast.stmt):
        assert (old.lineno, old.end_lineno) == (new.lineno, new.end_lineno)
    children = [list(ast.iter_child_nodes(each)) for each in (old, new)]
    if not children[0] and not isinstance(old, ast.stmt):
        assert ast.dump(old) == ast.dump(new)
    return sum(compare(file, a, b, values) for a, b in zip(*children, strict=True))


def value_of(file, node, values):
    if isinstance(node, ast.Attribute):
        return values[file.target(node.value.id).module, node.attr]
    return values[file.target(node.id) or (file.name, node.id)]


def test_no_otawire_name_is_left_in_a_compiled_set():
    if not toolchain.mpy_cross():
        pytest.skip(toolchain.why_not("mpy_cross"))
    files = fileset.from_repository("h2o", compiled=True).files
    compiled = b"".join(data for path, data in files.items() if path.endswith(".mpy"))
    assert b"Appliance" in compiled and b"otasession" in compiled
    for name in (b"MOST_CIPHERTEXT", b"HEADER_BYTES", b"LIST_BEGIN\0", b"FROM_START"):
        assert name not in compiled, name


def test_what_does_not_compile_is_said_with_its_file(tmp_path):
    if not toolchain.mpy_cross():
        pytest.skip(toolchain.why_not("mpy_cross"))
    (tmp_path / "profiles/toy").mkdir(parents=True)
    (tmp_path / "profiles/toy/manifest.ota").write_text("# version 2\nlib/no.py lib/no.py\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/no.py").write_text("def\n")
    with pytest.raises(ToolError, match=r"(?s)lib/no\.py: mpy-cross says: .*SyntaxError"):
        fileset.from_repository("toy", compiled=True, root=tmp_path)
