"""Edits for the tests of digests.

Those of a small package change what `package.loop.compute` returns. Its folders have empty `__init__.py` files unless
told otherwise. Beside it lies a package `backends`, which stands for torch's: `cudnn` there has `allow_tf32`, True.
"""

# How a module comes to use `package.data.gain`: `loop.py`, or several files. The edit makes `scale` triple.
GAIN = ("data/gain.py", "def scale(x): return 2 * x\n", "def scale(x): return 3 * x\n")
USE = "\ndef compute(): return scale(3)\n"
TYPING, LATER = "from typing import TYPE_CHECKING\n", "from package.data.gain import scale"
IMPORTED: dict[str, str | dict[str, str]] = {
    "import a.b": "import package.data.gain\ndef compute(): return package.data.gain.scale(3)",
    "import a.b as c": "import package.data.gain as g\ndef compute(): return g.scale(3)",
    "from a import b, a module": "from package.data import gain\ndef compute(): return gain.scale(3)",
    "from a import b as c": "from package.data.gain import scale as s\ndef compute(): return s(3)",
    "a relative import": f"from .data.gain import scale{USE}",
    "a star import": f"from package.data.gain import *{USE}",
    "a star import of a package's modules": {
        "loop.py": "from package.data import *\ndef compute(): return gain.scale(3)",
        "data/__init__.py": "__all__ = ['gain']",
    },
    "under a top-level if": f"import sys\nif sys.version_info > (3,):\n    {LATER}{USE}",
    "under an elif": f"if 0: pass\nelif 1:\n    {LATER}{USE}",
    "in the else of if TYPE_CHECKING": f"{TYPING}if TYPE_CHECKING: scale = None\nelse:\n    {LATER}{USE}",
    "under if not TYPE_CHECKING": f"{TYPING}if not TYPE_CHECKING:\n    {LATER}{USE}",
    "in the else of if __name__ ...": f"if __name__ == '__main__': scale = None\nelse:\n    {LATER}{USE}",
    "in a try": f"try:\n    {LATER}\nexcept ImportError: scale = abs{USE}",
    "after an ImportError": f"try:\n    from nowhere import scale\nexcept ImportError:\n    {LATER}{USE}",
    "after one of this package": f"try:\n    from .nowhere import scale\nexcept ImportError:\n    {LATER}{USE}",
    "in a with": f"import warnings\nwith warnings.catch_warnings():\n    {LATER}{USE}",
    "in a loop": f"for _ in range(1):\n    {LATER}{USE}",
    "in a class": f"class Step:\n    {LATER}\ndef compute(): return Step.scale(3)",
    "in a function": f"def compute():\n    {LATER}\n    return scale(3)",
    "in a function in a function, under an if": (
        f"def compute():\n def inner(x):\n  if x:\n   {LATER}\n   return scale(x)\n return inner(3)"
    ),
    "in a branch of a match": f"def compute():\n match 1:\n  case 1:\n   {LATER}\n return scale(3)",
    "from the parent package": {
        "loop.py": "from .inner.step import compute",
        "inner/step.py": "from .. import data\nfrom ..data import gain\ndef compute(): return data.gain.scale(3)",
    },
    "from a package beside the parent": {
        "loop.py": "from .inner.step import compute",
        "inner/step.py": f"from ..data.gain import scale{USE}",
    },
    "through a module in between": {
        "loop.py": f"from package.between import scale{USE}",
        "between.py": "from .data.gain import scale",
    },
    "through a package": {
        "loop.py": f"from package.data import scale{USE}",
        "data/__init__.py": "from .gain import scale",
    },
    "through a package's __getattr__": {
        "loop.py": "from package import data\ndef compute(): return data.scale(3)",
        "data/__init__.py": f"def __getattr__(name):\n    {LATER}\n    return scale",
    },
    "as the value of a constant": {
        "loop.py": "from package.names import STEP\ndef compute(): return STEP(3)",
        "names.py": "from package.data import gain\nSTEP = gain.scale",
    },
}

# What another module does when it is imported, alone or for something else: files, and the edit of one.
CUDNN, SHOW = "from backends import cudnn\n", "\ndef compute(): return cudnn.allow_tf32\n"
DONE: dict[str, tuple[dict[str, str], str, str, str]] = {
    "an attribute set": (
        {"loop.py": f"import package.setup\n{CUDNN}{SHOW}", "setup.py": f"{CUDNN}cudnn.allow_tf32 = False\n"},
        *("setup.py", "cudnn.allow_tf32 = False\n", ""),
    ),
    "an attribute set in the package's __init__.py": (
        {"loop.py": CUDNN + SHOW, "__init__.py": f"{CUDNN}cudnn.allow_tf32 = False\n"},
        *("__init__.py", "False", "None"),
    ),
    "an attribute set in an __init__.py on the way": (
        {
            "loop.py": f"import package.data.gain\n{CUDNN}{SHOW}",
            "data/__init__.py": '"""Data."""\n',
            "data/gain.py": "",
        },
        *("data/__init__.py", '"""Data."""\n', f'"""Data."""\n{CUDNN}cudnn.allow_tf32 = False\n'),
    ),
    "a registration by decorator": (
        {
            "loop.py": "from package import ops\nfrom package.registry import OPS\ndef compute(): return sorted(OPS)",
            "ops.py": "from package.registry import register\n@register('a')\ndef double(x): return 2 * x\n",
            "registry.py": "OPS = {}\ndef register(name): return lambda f: OPS.setdefault(name, f)\n",
        },
        *("ops.py", "'a'", "'b'"),
    ),
    "a registered function": (
        {
            "loop.py": "import package.ops\nfrom package.registry import OPS\ndef compute(): return OPS[0](3)",
            "ops.py": "from .registry import OPS\n@OPS.append\ndef double(x): return 2 * x\n",
            "registry.py": "OPS = []\n",
        },
        *("ops.py", "2 * x", "3 * x"),
    ),
    "a subclass that registers itself": (
        {
            "loop.py": "from .base import Base\nfrom . import ours\ndef compute(): return Base.kinds",
            "base.py": "class Base:\n kinds = []\n def __init_subclass__(cls, kind): Base.kinds.append(kind)\n",
            "ours.py": "from .base import Base\nclass Ours(Base, kind='a'): ...\n",
        },
        *("ours.py", "kind='a'", "kind='b'"),
    ),
    "a function replaced": (
        {
            "loop.py": f"import package.patch\nfrom package.data.gain import scale{USE}",
            "patch.py": "import package.data.gain\npackage.data.gain.scale = lambda x: 5 * x\n",
            "data/gain.py": GAIN[1],
        },
        *("patch.py", "5 * x", "6 * x"),
    ),
    "a list appended to": (
        {
            "loop.py": "from package import more\nfrom package.base import LAYERS\ndef compute(): return len(LAYERS)",
            "more.py": "from package.base import LAYERS\nLAYERS.append(1)\n",
            "base.py": "LAYERS = []\n",
        },
        *("more.py", "append(1)", "extend([1, 1])"),
    ),
    "another name imported": (
        {
            "loop.py": f"from package.gain import low as scale{USE}",
            "gain.py": "from math import ceil as high, exp as low",
        },
        *("loop.py", "low as", "high as"),
    ),
    "another name imported in between": (
        {
            "loop.py": f"from package.between import scale{USE}",
            "between.py": "from .gain import low as scale",
            "gain.py": "from math import ceil as high, exp as low",
        },
        *("between.py", "low as", "high as"),
    ),
    "another of two modules imported": (
        {
            "loop.py": "from . import one as gain, two\ndef compute(): return gain.X",
            "one.py": "X = 1",
            "two.py": "X = 2",
        },
        *("loop.py", "one as gain, two", "one, two as gain"),
    ),
    "an inherited class attribute": (
        {
            "loop.py": "from .base import Base\nclass Step(Base): ...\ndef compute(): return Step.rate",
            "base.py": "class Base:\n    rate = 1\n",
        },
        *("base.py", "= 1", "= 2"),
    ),
    "a default that another module names": (
        {"loop.py": "from .base import RATE\ndef compute(x=RATE): return x", "base.py": "RATE = 1\n"},
        *("base.py", "= 1", "= 2"),
    ),
}

# What `loop.py` says: text, old, new.
CATCH = "def compute():\n try: {}\n except KeyError: return 1\n except LookupError as error: return error.args[1:]\n"
DATACLASS = "from dataclasses import *\nfrom typing import ClassVar\n@dataclass\nclass A:\n x: int = 1\n y: int = 2\n"
SAID = {
    "an attribute of another package": (f"{CUDNN}cudnn.allow_tf32 = False{SHOW}", "cudnn.allow_tf32 = False", ""),
    "a constant": ("X = 1\ndef compute(): return X", "= 1", "= 2"),
    "an augmented assignment": ("X = 1\nX += 1\ndef compute(): return X", "+= 1", "+= 2"),
    "an annotated assignment": ("X: int = 1\ndef compute(): return X", "= 1", "= 2"),
    "an unpacking": ("X, Y = 1, 2\ndef compute(): return X", "X, Y", "Y, X"),
    "an item": ("X = {}\nX['a'] = 1\ndef compute(): return X", "= 1", "= 2"),
    "a global set by name": ("globals()['X'] = 1\ndef compute(): return X", "= 1", "= 2"),
    "a deleted name": ("max = min\ndel max\ndef compute(): return max(1, 2)", "del max\n", ""),
    "the order of statements": (
        "X = [2]\nX.append(1)\nX.sort()\ndef compute(): return X[0]",
        "1)\nX.sort()",
        "3)\nX.sort()",
    ),
    "a type": ("def compute(): return type(1)", "1", "1.0"),
    "a string": ("def compute(): return {'low': 1, 'high': 2}['low']", "['low']", "['high']"),
    "a string as a statement's value": ("X = 'a'\ndef compute(): return X", "'a'", "'b'"),
    "an f-string": ("def compute(): return float(f'{1}e5')", "e5", "e6"),
    "an f-string's format": ("def compute(): return f'{1 / 3:.2f}'", ".2f", ".3f"),
    "bytes": ("def compute(): return list(b'ab')", "b'ab'", "b'ac'"),
    "a class attribute": ("class Step:\n    rate = 1\ndef compute(): return Step.rate", "= 1", "= 2"),
    "a default": ("def compute(x=1): return x", "x=1", "x=2"),
    "a keyword's default": ("def compute(*, x=1, y=2): return x", "x=1", "x=2"),
    "a lambda's default": ("compute = lambda x=1: x", "x=1", "x=2"),
    "a dataclass field's default": (f"{DATACLASS}def compute(): return A().x", "x: int = 1", "x: int = 3"),
    "a dataclass field more": (f"{DATACLASS}def compute(): return len(fields(A))", " x: int = 1\n", ""),
    "a bare field": (f"{DATACLASS}def compute(): return A(6).x".replace(" = 1", ""), " x: int\n", " x = 5\n"),
    "the order of fields": (f"{DATACLASS}def compute(): return A(5).x", "x: int = 1\n y: int", "y: int = 1\n x: int"),
    "what is a field": (f"{DATACLASS}def compute(): return len(fields(A))", "x: int", "x: ClassVar[int]"),
    "an annotation that a decorator reads": (
        "from functools import singledispatch\n@singledispatch\ndef compute(x=3): return 0\n"
        "@compute.register\ndef _(x: int): return 1\ncompute = __import__('functools').partial(compute, 3)",
        *("x: int", "x: str"),
    ),
    "a decorator": (
        "class A:\n @property\n def x(self): return 1\ndef compute(): return type(A().x)",
        " @property\n",
        "",
    ),
    "a decorator's argument": (
        "def times(n): return lambda f: lambda: n * f()\n@times(2)\ndef compute(): return 3",
        *("@times(2)", "@times(3)"),
    ),
    "a pattern": ("def compute():\n match 3:\n  case 3: return 1\n  case _: return 2", "case 3", "case 4"),
    "a pattern's None": (
        "def compute():\n match None:\n  case None: return 1\n  case _: return 2",
        "case None",
        "case True",
    ),
    "a comprehension's condition": ("def compute(): return [x for x in range(4) if x > 1]", "x > 1", "x > 2"),
    "brackets": ("def compute(): return (1 + 2) * 3", "(1 + 2) * 3", "1 + 2 * 3"),
    "an operator": ("def compute(): return 3 - 2", "-", "+"),
    "an unpacked argument": ("def compute(): return dict(**{'a': 1})", "**{'a': 1}", "a={'a': 1}"),
    "a positional argument": ("def compute(): return round(2.5, ndigits=1)", ", ndigits=1", ""),
    "a global statement": (
        "X = 1\ndef f():\n global X\n X = 2\ndef compute():\n f()\n return X",
        *(" global X\n", ""),
    ),
    "a walrus": ("def compute(): return [(x := 1), x]", "x := 1", "x := 2"),
    "an assert": ("def compute():\n try: assert 1\n except AssertionError: return 2", "assert 1", "assert 0"),
    "which error is raised": (CATCH.format("raise KeyError('a')"), "raise KeyError", "raise IndexError"),
    "which error is caught": (CATCH.format("{}[1]"), "except KeyError", "except IndexError"),
    "a number in a raised error": (CATCH.format("raise LookupError('a', 3)"), "3", "4"),
    "when an error is raised": (CATCH.format("1 and {}[1]"), "1 and", "0 and"),
}

# How a module reads `package/data/table.csv`: files. The edit changes the file.
HERE, DATA = "from pathlib import Path\ndef compute(): return Path(__file__)", "from package.data.read import compute"
READ: dict[str, dict[str, str]] = {
    "by its name": {"loop.py": DATA, "data/read.py": f"{HERE}.with_name('table.csv').read_text()"},
    "by a name of another module": {
        "loop.py": DATA,
        "data/read.py": f"from package.names import NAME\n{HERE}.with_name(NAME).read_text()",
        "names.py": "NAME = 'table.csv'",
    },
    "by a computed name": {"loop.py": DATA, "data/read.py": f"{HERE}.with_name('elbat'[::-1] + '.csv').read_text()"},
    "by a name computed from another file's": {
        "loop.py": DATA,
        "data/read.py": f"{HERE}.with_name('other.csv').with_stem('elbat'[::-1]).read_text()",
        "data/other.csv": "1",
    },
    "among all of its folder": {
        "loop.py": DATA,
        "data/read.py": f"{HERE.replace('Path(_', '[each.read_text() for each in Path(_')}.parent.glob('*.csv')]",
    },
    "from the folder above": {"loop.py": f"{HERE}.parent.joinpath(*map(str, ['data', 'table.csv'])).read_text()"},
    "from above by a computed name": {
        "loop.py": f"{HERE}.parent.joinpath('atad'[::-1], 'elbat'[::-1] + '.csv').read_text()"
    },
    "from another room": {
        "loop.py": "from package.read.read import compute",
        "read/read.py": f"{HERE}.parents[1].joinpath('data/table.csv').read_text()",
    },
    "from another room by a computed name": {
        "loop.py": "from package.read.read import compute",
        "read/read.py": f"{HERE}.parents[1].joinpath('data', 'elbat'[::-1] + '.csv').read_text()",
    },
    "from a folder that another module names": {
        "loop.py": "from .paths import FOLDER\ndef compute(): return [one.read_text() for one in FOLDER.glob('*')]",
        "paths.py": "from pathlib import Path\nFOLDER = Path(__file__).parent / 'data'",
    },
    "by the package's path": {
        "loop.py": "import package\nfrom pathlib import Path\n"
        "def compute(): return Path(package.__path__[0], 'data', 'elbat'[::-1] + '.csv').read_text()",
    },
    "by importlib.resources": {
        "loop.py": "from importlib.resources import files\n"
        "def compute(): return files('package').joinpath('data', 'elbat'[::-1] + '.csv').read_text()",
    },
    "by pkgutil": {
        "loop.py": "from pkgutil import get_data\n"
        "def compute(): return get_data('package', '/'.join(['data', 'elbat'[::-1] + '.csv']))",
    },
}

# Two texts of a module that do the same.
PLAIN = "def f(a, b):\n    return a + b\n"
SAME = {
    "a comment": (PLAIN, "# A comment.\ndef f(a, b):\n    return a + b  # and so on\n"),
    "a docstring": (PLAIN, '"""A docstring."""\ndef f(a, b):\n    """A docstring."""\n    return a + b\n'),
    "a docstring in place of pass": ("class E(Exception):\n    pass\n", 'class E(Exception):\n    """An error."""\n'),
    "an attribute's docstring": ("class A:\n    x = 1\n", 'class A:\n    x = 1\n    "What it is."\n'),
    "layout": (PLAIN, "\n\ndef f(\n    a,\n    b,\n):\n\n    return (a\n            + b)\n"),
    "quotes and numbers": ("x = 'a', 1000\n", 'x = "a", 1_000\n'),
    "a log line": (PLAIN, 'def f(a, b):\n    logger.info(f"adding {a}")\n    return a + b\n'),
    "a log line's words": ("if x: logger.info('now')\n", "if x: logger.warning('then', exc_info=True)\n"),
    "annotations": (PLAIN, "def f(a: int, b: 'float') -> int:\n    return a + b\n"),
    "variables' annotations": ("x = 1\ndef f(): y = 1\n", "x: int = 1\ndef f(): y: float = 1\n"),
    "an annotation in a method": (
        "class A:\n def f(self): self.x = 1\n",
        "class A:\n def f(self) -> None: self.x: int = 1\n",
    ),
    "an error's words": ("if a: raise E('is wrong')\n", "if a: raise E(f'{a} is not right')\n"),
    "an error's words among others": ("raise E('it is ' f'{a}', a) from b\n", "raise E('it is not right', a) from b\n"),
    "what a type checker sees": (PLAIN, f"{PLAIN}if TYPE_CHECKING:\n    from package.loop import compute\n"),
    "what a program runs": (PLAIN, f"{PLAIN}if __name__ == '__main__':\n    print(f(1, 2))\n"),
}

# Edits of this package that retrain no model: file, old, new.
AROUND = {
    "an option's help": ("training/train.py", "processor threads", "CPU threads"),
    "an option more": ("training/train.py", "    arguments = ", "    parser.add_argument('--new')\n    arguments = "),
    "what an evaluation logs": ("training/train.py", "on the same images augmented", "augmented"),
    "a word in a training's log": ("training/loop.py", "resumed at epoch", "going on at epoch"),
    "a shorter line in its log": ("training/loop.py", "; a lower learning rate may help", ""),
    "an error's words": ("training/loop.py", "forward does not use it", "nothing uses it"),
    "another error's words": ("training/inputs.py", "but the dataset has", "the dataset has"),
    "a docstring": ("training/seeds.py", "a fresh generator", "a generator"),
    "an annotation": ("training/seeds.py", "epoch: int = 0)", "epoch: 'int' = 0)"),
    "what the provenance records": ("training/provenance.py", '"commit": ', '"revision": '),
    "the format of checkpoints": ("training/checkpoint.py", '"checksum"', '"crc"'),
    "how time is measured": ("machine/meter.py", "time.perf_counter() -", "time.monotonic() -"),
    "what is counted of a machine": ("machine/usage.py", "SAMPLE_SECONDS = 5", "SAMPLE_SECONDS = 6"),
    "how a GPU is found": ("machine/gpus.py", "SECONDS = 60", "SECONDS = 61"),
    "where log lines go": ("stage.py", 'format="%(message)s"', 'format="- %(message)s"'),
    "how files are written": ("files.py", "indent=2", "indent=3"),
    "a family's schema": ("models/vgg/settings.py", '"boolean"', '"integer"'),
    "another family's network": ("models/vit/network.py", "mean(dim=1)", "sum(dim=1)"),
    "a table": ("tables/comparison.py", "MFLOP per image", "MFLOP an image"),
    "a figure": ("figures/curves.py", "ROW_HEIGHT = 2.2", "ROW_HEIGHT = 2.3"),
    "a data file of the page": ("answer/page.css", "color", "colour"),
    "the digests themselves": ("study/digest.py", "[:12]", "[:13]"),
}
# Edits of it that retrain VGGs: file, old, new.
WITHIN = {
    "a layer": ("models/layers.py", "nn.MaxPool2d(2)", "nn.MaxPool2d(3)"),
    "a network's default": ("models/vgg/network.py", "float = 0.2", "float = 0.3"),
    "a derived seed": ("training/seeds.py", ">> 1", ">> 2"),
    "the rule of early stopping": ("study/stopping.py", "if loss < lowest", "if loss <= lowest"),
    "what is written": ("training/results.py", "save_file(weights,", "save_file(dict(weights),"),
    "the precision on a GPU": ("training/inference.py", '"high"', '"highest"'),
    "the face of a room": ("data/__init__.py", '"""Fashion', 'import torch\n"""Fashion'),
    "how the dataset is read": ("data/dataset.py", "allow_pickle=False", "allow_pickle=True"),
    "the arithmetic of RandAugment": ("data/operations.py", "sums.div(13)", "sums.div(14)"),
    "what a pixel is": ("image.py", "div_(127.5)", "div_(127)"),
}

# What versions of Python parse differently, or used to.
DIFFICULT = r'''
"""Docstring."""
x = f"a" "b{x}" "c" f"{y!r:>{w}.2f}d" f"{x=}" u"k" "\N{BULLET}" f"{x:}" + f"{'a' 'b'}" + rb"z\0"
y: int = (-0.0, 1j, 10**400, True, None, ..., "", 1_000, "\U0001fae9")
def f(a, /, b: int = 1, *c, d=None, **e) -> None: ...
async def g():
    """Docstring."""
    async with a as b, c: yield 1
    return [x async for x in y if z]
match x:
    case {"a": 1, **rest}: pass
    case [1, *_] | P(x=1) | None: pass
try: pass
except* E as e: raise
class A(B, metaclass=C):
    x: int
    "of an attribute"
with (open("a") as f, open("b")): pass
x[1:2, ...] = lambda *, k=1: (yield)
'''
