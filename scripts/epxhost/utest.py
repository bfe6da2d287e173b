"""`utest.py`: the unit tests, on CPython and on real MicroPython."""

import argparse
import subprocess
import sys

from epxhost import toolchain
from epxhost.door import ROOT

HEAP = "heapsize=24m"


def _files(names: list[str]) -> list[str]:
    found = sorted((ROOT / "testsuite" / "unit").glob("test_*.py"))
    wanted = [
        path
        for path in found
        if not names or any(name in path.stem.removeprefix("test_") for name in names)
    ]
    return [path.relative_to(ROOT).as_posix() for path in wanted]


def main() -> int:
    parser = argparse.ArgumentParser(prog="utest.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a module's name")
    parser.add_argument("-k", metavar="TEXT", help="only tests with TEXT in their name")
    options = parser.parse_args()
    files = _files([name.removeprefix("test_").removesuffix(".py") for name in options.names])
    if not files:
        print("utest.py: no such unit test", file=sys.stderr)
        return 1
    select = ["-k", options.k] if options.k else []
    print("CPython", sys.version.split()[0], flush=True)
    pytest = [sys.executable, "-m", "pytest", "-q", "-o", "cache_dir=build/cache-utest"]
    status = subprocess.run([*pytest, *select, *files], cwd=ROOT, check=False).returncode
    interpreter = toolchain.micropython32()
    if interpreter is None:
        print("MicroPython: skipped:", toolchain.why_not("micropython32"))
        return status
    print("MicroPython (32-bit)", flush=True)
    for file in files:
        command = [*interpreter, "-X", HEAP, "testsuite/run_upy.py", *select, file]
        print(f"{file}: ", end="", flush=True)
        status |= subprocess.run(command, cwd=ROOT, check=False).returncode
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
