"""What the benchmarks share: where things are, and how a static program is built."""

import os
import subprocess
import sys
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("LINTEL_BUILD", REPO / "build"))
BENCH = BUILD / "bench"
sys.path[:0] = [str(REPO / "images"), str(REPO / "tests/boot")]
SYSROOT_LIBS = ("-lcryptsetup", "-ldevmapper", "-lblkid", "-luuid", "-ljson-c", "-ltss2-esys",
                "-ltss2-sys", "-ltss2-mu", "-ltss2-tcti-device", "-lcrypto")


def die(text):
    sys.exit(f"{Path(sys.argv[0]).parent.name}/{Path(sys.argv[0]).name}: {text}")


def run(*command):
    """A command's stdout; what it says is shown only when it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        die(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def kernel():
    """(version, image, modules) of the kernel that every contender boots."""
    version = run(REPO / "images/tree", "kernel", "tools").strip()
    return (version, BUILD / "kernels" / version / "vmlinuz",
            BUILD / "trees/tools/usr/lib/modules" / version)


def compile_static(sources, output, *flags):
    """Words of `flags` that begin with -l go behind the sources."""
    compiler = BUILD / "sysroot/bin/lintel-cc"
    command = [compiler] if compiler.exists() else ["gcc", "-static"]
    sources = sources if isinstance(sources, list) else [sources]
    run(*command, "-Os", "-Wall", "-Wextra", "-Werror", "-s", "-ffunction-sections",
        "-Wl,--gc-sections", *sources, *flags, "-o", output)


def make_initrd(init, output, *options):
    run(REPO / "images/lintel-initrd", "--init", init, "--modules-dir", kernel()[2],
        "--firmware", "none", "--output", output, *options)
    return output


def kept(initrd, make):
    """What takes most of a minute, as dracut does, is kept, and how long it took beside it."""
    if not initrd.exists():
        before = time.monotonic()
        make(initrd)
        initrd.with_suffix(".seconds").write_text(f"{time.monotonic() - before:.2f}", encoding="ascii")
    return initrd


def pack(archive, stem):
    raw, packed = BENCH / f"{stem}.cpio", BENCH / f"{stem}.initrd"
    raw.write_bytes(archive.finish())
    run("zstd", "-19", "-qf", raw, "-o", packed)
    return packed
