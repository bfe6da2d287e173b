"""`make lint`: ruff, its formatter and the spelling; --fix mends what can be mended."""

import argparse
import subprocess
import sys
from pathlib import Path

from epxhost.door import ROOT


def _tracked_files() -> list[str]:
    """What git knows or would add; a build folder is nobody's spelling."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="lint", description=__doc__)
    parser.add_argument("--fix", action="store_true")
    fix = parser.parse_args().fix
    binaries = Path(sys.executable).parent
    checks = {
        "ruff check": ["ruff", "check", "--quiet", *(["--fix"] if fix else [])],
        "ruff format": ["ruff", "format", "--quiet", *([] if fix else ["--check"])],
        "codespell": ["codespell", *_tracked_files()],
    }
    failed = [
        name
        for name, (program, *arguments) in checks.items()
        if subprocess.run([binaries / program, *arguments], cwd=ROOT, check=False).returncode
    ]
    advice = "; `make lint ARGS=--fix` mends what it can"
    print(f"lint: {'found something: ' + ', '.join(failed) + advice if failed else 'clean'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
