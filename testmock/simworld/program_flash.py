"""The program of a device that boots from its own flash, on CPython.

Only what a board has built in comes from the mocks and the host; all else is looked up in flash,
by the device's own sys.path. What is in flash exactly as in the repository is compiled under the
name of that file, so that its coverage counts.
"""

import ast
import types

from testmock.simworld.program_cpython import ROOT, VIRTUAL, Program

# What a program may import that is not in flash.
_BOARD = frozenset(
    "_thread array binascii cmath collections cryptolib deflate errno esp32 espnow framebuf gc "
    "hashlib heapq io json machine math micropython network onewire os random re select socket "
    "struct sys time".split()
)
_FIRST_PATH = ("", ".frozen", "/lib")
_CACHE_LIMIT = 4000

_compiled = {}
_in_repository = {}


def is_installed(flash):
    """Does a board with these files boot from them?"""
    return flash.kind("/boot.py") == "file" or flash.kind("/main.py") == "file"


class FlashProgram(Program):
    """The modules of one boot. Of the device's flash it needs kind, content and open."""

    def __init__(self, device, mock_folders=VIRTUAL):
        super().__init__(device, mock_folders)
        self._folders = mock_folders
        self._world = getattr(device, "world", None)
        self._builtins["__turn__"] = self._turn

    def boot(self):
        """Run /boot.py, and if that ends without an exception /main.py: one namespace."""
        main = types.ModuleType("__main__")
        main.__builtins__ = self._builtins
        self.modules["__main__"] = main
        for name in ("boot.py", "main.py"):
            content = self._device.flash.content("/" + name)
            if content is not None:
                self._run(main, name, content)

    def _load(self, name):
        module = self.modules.get(name)
        if module is not None:
            return module
        if name.partition(".")[0] in _BOARD:
            return self._load_from_folders(name)
        parent, _, leaf = name.rpartition(".")
        if parent:
            paths = getattr(self._load(parent), "__path__", ())
        else:
            paths = getattr(self.modules.get("sys"), "path", _FIRST_PATH)
        module = self._load_from_flash(name, leaf, paths)
        if parent:
            setattr(self.modules[parent], leaf, module)
        return module

    def _load_from_flash(self, name, leaf, paths):
        """In the order of MicroPython: folder, source, compiled; for each entry of sys.path."""
        flash = self._device.flash
        for folder in paths:
            if folder == ".frozen":
                continue
            base = (folder + "/" if folder else "") + leaf
            if flash.kind(base) == "folder":
                return self._execute_from_flash(name, base + "/__init__.py", base)
            if flash.kind(base + ".py") == "file":
                return self._execute_from_flash(name, base + ".py", None)
            if flash.kind(base + ".mpy") == "file":
                raise ImportError(f"{base}.mpy: CPython cannot run compiled files")
        raise ImportError(f"no module named '{name}'")

    def _execute_from_flash(self, name, path, package_folder):
        module = types.ModuleType(name)
        module.__package__ = name if package_folder else name.rpartition(".")[0]
        if package_folder:
            module.__path__ = [package_folder]
        module.__builtins__ = self._builtins
        self.modules[name] = module
        # A package without __init__.py is just a folder.
        content = self._device.flash.content(path)
        if content is not None:
            try:
                self._run(module, path, content)
            except BaseException:
                self.modules.pop(name, None)
                raise
        self._imported(name, module)
        return module

    def _run(self, module, path, content):
        code = self._compile(path, content)
        module.__in_flash__ = path
        if not code.co_filename.startswith(str(ROOT)):
            module.__file__ = path
        exec(code, module.__dict__)
        # Not before: coverage asks a new module for it, and would miss the repository's file.
        module.__file__ = path

    def _compile(self, path, content):
        key = (path, content, self._world is None)
        code = _compiled.get(key)
        if code is None:
            if len(_compiled) > _CACHE_LIMIT:
                _compiled.clear()
            code = _compiled[key] = self._compiled_anew(path, content)
        return code

    def _compiled_anew(self, path, content):
        ours = repository_file(path, content)
        try:
            tree = ast.parse(content.decode(), str(ours or path))
        except ValueError as error:  # a byte 0, or no UTF-8
            raise SyntaxError(f"invalid syntax: {error}") from None
        if not ours and self._world:
            tree = ast.fix_missing_locations(_CountTurns().visit(tree))
        return compile(tree, str(ours or path), "exec", dont_inherit=True)

    def _turn(self):
        """A turn of a loop in a program that is not ours: is it endless?"""
        world = self._world
        world.spins += 1
        if world.spins > world.spin_limit:
            world.spinning()
        return True


class _CountTurns(ast.NodeTransformer):
    """Makes `while x` out of a story's own code `while __turn__() and x`."""

    def visit_While(self, node):
        self.generic_visit(node)
        turn = ast.Call(ast.Name("__turn__", ast.Load()), [], [])
        node.test = ast.BoolOp(ast.And(), [turn, node.test])
        return node


def repository_file(path, content):
    """The file of the repository with this content, and most likely this name; or None."""
    if not _in_repository:
        for folder in ("lib", "profiles"):
            for file in sorted((ROOT / folder).rglob("*.py")):
                _in_repository.setdefault(file.read_bytes(), []).append(file)
    found = _in_repository.get(content, ())
    words = path.split("/")
    for count in range(len(words), 0, -1):
        for file in found:
            if list(file.parts[-count:]) == words[-count:]:
                return file
    return None
