"""Errors with stable codes, tools, the cache."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]

# Stable exit statuses: 2 is argparse's own for a wrong command line.
MISSING, MALFORMED, TOOL_FAILED = 3, 4, 5


class Fail(Exception):
    """A refusal: a stable code, an exit status, what is wrong and what to do."""

    def __init__(self, status, code, text):
        super().__init__(f"LINTEL-E-{code}: {text}")
        self.status = status


def main_guard(program, main):
    """Run main() and turn a Fail into one line on stderr and its exit status."""
    try:
        sys.exit(main())
    except Fail as fail:
        print(f"{program}: {fail}", file=sys.stderr)
        sys.exit(fail.status)
    except BrokenPipeError:
        sys.exit(1)


def warn(program, text):
    print(f"{program}: warning: {text}", file=sys.stderr)


def read_input(path, what):
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Fail(MISSING, "NO-FILE", f"{what} {path}: {error.strerror}") from None


def read_root_hashes(given):
    """Root hashes in order, of words that are one each, or a file with one a line and # comments."""
    found = set()
    for word in given:
        text = word if re.fullmatch(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128}", word) else read_input(
            word, "list of root hashes").decode(errors="replace")
        lines = [line.partition("#")[0].strip().lower() for line in text.splitlines()]
        wrong = [line for line in lines if line and not re.fullmatch("[0-9a-f]{64}|[0-9a-f]{128}", line)]
        if wrong or not any(lines):
            raise Fail(MALFORMED, "BAD-ROOT-HASH", f"{word}: {wrong[0] if wrong else 'it names none'!r} is not 64 or "
                       "128 hexadecimal digits")
        found.update(filter(None, lines))
    return sorted(found)


def write_output(path, data):
    """Whole or not at all: a reader never sees half a file."""
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        raise Fail(MISSING, "NO-OUTPUT", f"cannot write {path}: {error.strerror}") from None


def find_tool(name, package):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        raise Fail(MISSING, "NO-TOOL", f"{name} is not installed (Debian package {package})")
    return found


def run_tool(command, data=None):
    """Run a command; its stdout, or a Fail with its last words."""
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip() or "no message"
        raise Fail(TOOL_FAILED, "TOOL-FAILED",
                   f"{Path(command[0]).name} ended with {done.returncode}: {words}")
    return done.stdout


class Cache:
    """Results of pure functions of bytes, kept by the hash of what they were made from."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def file(self, kind, data, make):
        """The path of make(data), made at most once for each kind and data."""
        path = self.directory / f"{hashlib.sha256(data).hexdigest()}.{kind}"
        if not path.exists():
            write_output(path, make(data))
        return path


def default_cache():
    return os.environ.get("LINTEL_CACHE") or REPO / "build/cache"
