"""One boot of a contender, and what the root's init tells of it."""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from common import BENCH, die, run
from qemu import lost_by_qemu

HERE = Path(__file__).resolve().parent
FAST = ["-accel", "tcg,thread=multi,tb-size=1024"]  # as this machine can


def qemu(options, machine, memory, accel, *more):
    """Run a guest to its end; its console."""
    console = BENCH / f"{machine.stem}.console"
    console.unlink(missing_ok=True)
    command = ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none",
               "-machine", "q35,smm=on", *accel, "-cpu", "max", "-m", str(memory), "-serial",
               f"file:{console}", *more]
    try:
        with machine.qemu() as words:
            subprocess.run([*command, *map(str, words)], stdin=subprocess.DEVNULL,
                           timeout=options.timeout, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        print(error, file=sys.stderr)
    return console.read_text(errors="replace") if console.exists() else ""


def parse(machine, text):
    """What tests/bench/root-init.c said, as numbers. lintel's facts of the boot are kept."""
    name, found = machine.stem, re.search(r"bench: (.*)", text)
    if not found:
        die(f"{name} did not reach the root's init:\n{text[-3000:]}")
    if numbers(found[1])["files"] != machine.disk.row.files:
        die(f"{name}: the root has not all files of /usr and its extensions: {found[0]}")
    facts, ended, _ = text[found.end():].partition("bench: end of facts")
    if ended and facts.strip():
        (BENCH / f"{name}.facts").write_text(facts.replace("\r", "").lstrip(), encoding="utf-8")
    return numbers(found[1])


def numbers(text):
    return {key: int(value) for key, value in re.findall(r"(\w+)=(-?\d+)", text)}


def fast(machine):
    """On two processors; with a firmware on one, as its SMM code would wait for the second, emulated
    one at each EFI variable, for everybody and for longer than all else takes."""
    return [*FAST, "-smp", "1" if machine.disk.row.firmware else "2"]


def boot(options, machine):
    """As fast as this machine can; once more where QEMU lost it."""
    for _ in range(3):
        text = qemu(options, machine, options.memory, fast(machine))
        if not lost_by_qemu(text):
            break
        print(f"{machine.stem}: lost to the emulator, booted again", file=sys.stderr)
    return parse(machine, text)


def plugin():
    """count.c for QEMU, compiled when it has changed."""
    source, built = HERE / "count.c", BENCH / "count.so"
    if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
        run("gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", source, "-o", built)
    return built


def count(options, machine):
    """What the guest's one processor did from /init to the root's init: instructions, syscalls, forks; and
    what boot() tells."""
    output = BENCH / f"{machine.stem}.count"
    output.unlink(missing_ok=True)
    memory = 512 + 16 * machine.disk.row.extensions  # the same for all, and half of it may be the initrd
    told = parse(machine, qemu(options, machine, memory, [
        "-accel", "tcg,tb-size=512", "-smp", "1", "-plugin", f"{plugin()},output={output}"]))
    counted = numbers(output.read_text(encoding="ascii"))
    if not counted:
        die(f"{machine.stem} did not reach the mark of the root's init")
    return told | counted


def touched(options, machine):
    """MiB of the guest's memory that were ever written to: kernel, initrd and all before init."""
    memory = BENCH / f"{machine.stem}.memory"
    with open(memory, "wb") as file:
        file.truncate(int(options.memory) << 20)
    try:
        parse(machine, qemu(options, machine, options.memory, fast(machine),
                         "-object", f"memory-backend-file,id=ram,size={options.memory}M,"
                         f"mem-path={memory},share=on", "-machine", "memory-backend=ram"))
        return memory.stat().st_blocks / 2048
    finally:
        memory.unlink()


def smallest(options, machine):
    """
    The least memory, in steps of 8 MiB, with which the root's init is reached. With too little some
    stand still: a boot has four times as long as one with enough took.
    """
    start = time.monotonic()
    boot(options, machine)
    hurried = argparse.Namespace(**vars(options))
    hurried.timeout = min(options.timeout, 4 * (time.monotonic() - start) + 10)
    below, enough = 0, int(options.memory) // 8
    while enough - below > 1:
        middle = (below + enough) // 2
        text = qemu(hurried, machine, middle * 8, fast(machine))
        if "bench: " in text:
            enough = middle
        else:
            below = middle
    return enough * 8
