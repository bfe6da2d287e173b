"""`runtest`: runs scenarios by name and shows what happens, with virtual times."""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

from epxhost import toolchain
from epxhost.door import ROOT

TESTSUITE = ROOT / "testsuite"
HEAP = "heapsize=24m"


def scenarios() -> dict[str, Path]:
    """Name of each scenario and its script."""
    return {path.parent.name: path for path in sorted(TESTSUITE.glob("*/script.py"))}


def _about(script: Path) -> str:
    words = ast.get_docstring(ast.parse(script.read_text())) or ""
    return words.partition("\n")[0]


def _on_cpython(scripts: list[Path], options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "pytest", "-s", "-v", "-o", "cache_dir=build/cache-runtest"]
    command += ["--seed", str(options.seed)]
    if not options.quiet:
        command.append("--show")
    if options.k:
        command += ["-k", options.k]
    return subprocess.run([*command, *map(str, scripts)], cwd=ROOT, check=False).returncode


def _on_micropython(scripts: list[Path], options: argparse.Namespace) -> int:
    interpreter = toolchain.micropython32()
    if interpreter is None:
        print(f"runtest: no MicroPython: {toolchain.why_not('micropython32')}", file=sys.stderr)
        return 1
    command = [*interpreter, "-X", HEAP, "testsuite/run_upy.py", "-v", "--seed", str(options.seed)]
    if not options.quiet:
        command.append("--show")
    if options.k:
        command += ["-k", options.k]
    files = [script.relative_to(ROOT).as_posix() for script in scripts]
    return subprocess.run([*command, *files], cwd=ROOT, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="runtest", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="folders of testsuite/")
    parser.add_argument("--list", action="store_true", help="tell what there is")
    parser.add_argument("-q", "--quiet", action="store_true", help="only passed or failed")
    parser.add_argument("-v", action="store_true", help="show what happens (as without it)")
    parser.add_argument("-k", metavar="TEXT", help="only stories with TEXT in their name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--upy", action="store_true", help="on real MicroPython (32-bit)")
    options = parser.parse_args()
    known = scenarios()
    if options.list:
        width = max(map(len, known), default=0)
        for name, script in known.items():
            print(f"{name:{width}}  {_about(script)}")
        return 0
    wanted = [name.rstrip("/").rpartition("/")[2] for name in options.names]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        problem = f"unknown: {', '.join(unknown)}" if unknown else "which scenario?"
        print(f"runtest: {problem} (--list shows all)", file=sys.stderr)
        return 1
    scripts = [known[name] for name in wanted]
    return (_on_micropython if options.upy else _on_cpython)(scripts, options)


if __name__ == "__main__":
    sys.exit(main())
