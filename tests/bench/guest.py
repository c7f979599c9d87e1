"""One boot of a contender, and what the root's init tells of it."""

import re
import subprocess
import sys

from common import BENCH, die

FAST = ["-accel", "tcg,thread=multi,tb-size=1024", "-smp", "2"]  # as this machine can
SHIFT = 1  # -icount: one instruction is 2**SHIFT ns of the guest's time


def qemu(options, console, machine, memory, accel, *more):
    """Run a guest to its end; its console."""
    console.unlink(missing_ok=True)
    command = ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none",
               "-machine", "q35,smm=on", *accel, "-cpu", "max", "-m", str(memory), "-serial",
               f"file:{console}", *more, *machine.qemu]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=options.timeout, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        print(error, file=sys.stderr)
    return console.read_text(errors="replace") if console.exists() else ""


def parse(name, text):
    """What tests/bench/root-init.c said, as numbers."""
    found = re.search(r"bench: (.*)", text)
    if not found:
        die(f"{name} did not reach the root's init:\n{text[-3000:]}")
    return {key: int(value) for key, value in re.findall(r"(\w+)=(-?\d+)", found[1])}


def boot(options, name, machine):
    """As fast as this machine can, on two processors."""
    return parse(name, qemu(options, BENCH / f"{name}.console", machine, options.memory, FAST))


def count(options, name, machine):
    """
    Guest instructions from /init to the root's init, in millions. The guest's clock counts them and
    jumps over idle time. An I/O that ends a little later costs a tick: single boots were seen 3.5% apart.
    """
    told = parse(name, qemu(options, BENCH / f"{name}.console", machine, 512,
                            ["-accel", "tcg,tb-size=512", "-icount", f"shift={SHIFT},sleep=off",
                             "-rtc", "clock=vm", "-smp", "1"]))
    return (told["life"] - told["run"]) * 1e3 / 2**SHIFT / 1e6


def touched(options, name, machine):
    """MiB of the guest's memory that were ever written to: kernel, initrd and all before init."""
    memory = BENCH / f"{name}.memory"
    with open(memory, "wb") as file:
        file.truncate(int(options.memory) << 20)
    try:
        parse(name, qemu(options, BENCH / f"{name}.console", machine, options.memory, FAST,
                         "-object", f"memory-backend-file,id=ram,size={options.memory}M,"
                         f"mem-path={memory},share=on", "-machine", "memory-backend=ram"))
        return memory.stat().st_blocks / 2048
    finally:
        memory.unlink()


def smallest(options, name, machine):
    """The least memory, in steps of 8 MiB, with which the root's init is reached."""
    below, enough = 0, int(options.memory) // 8
    while enough - below > 1:
        middle = (below + enough) // 2
        text = qemu(options, BENCH / f"{name}.console", machine, middle * 8, FAST)
        if "bench: " in text:
            enough = middle
        else:
            below = middle
    return enough * 8
