"""
Children that crash, lie or do what they may not: each is a refusal by name, and PID 1 goes on. The
init is built with tests/crash, which does so where the command line says crash=VERB:WHAT. Uevents that
the kernel has no room for are of that kind, too.
"""

from case import BOOT, Case, Extra, Set

LUKS = {"sets": (Set("canary", layout="luks", fstype="ext4"),),
        "policy": "root=encrypted:usr=signed+absent:=unused+absent"}
# in `make check`: one that crashes, one that lies, one that is stopped by the kernel
CHECKED = ("crash-verity-abort", "crash-probe-junk", "crash-mount-exec")


def crash(verb, what, expect="LINTEL-E-CRASH", root="root=PARTLABEL=lintel_1", **fields):
    name = f"crash-{verb}-{what}"
    fields = {"firmware": "direct", **fields}
    return Case(name, expect, crash=True, hides=("CRASH-SURVIVED", "Kernel panic"),
                cmdline=f"{root if fields['firmware'] == 'direct' else ''} crash={verb}:{what} "
                        "lintel.timeout=5", checked=name in CHECKED, **fields)


CASES = [
    crash("coldplug", "abort"),
    crash("probe", "kill", "LINTEL-E-ROOT-MISSING"),
    crash("probe", "junk", "LINTEL-E-ROOT-MISSING"),
    crash("probe", "flood", "LINTEL-E-ROOT-MISSING"),
    crash("verity", "abort"),
    crash("verity", "mount"),
    crash("verity", "module"),
    crash("verity", "flood", "LINTEL-E-LIMIT"),
    crash("mount", "kill"),
    crash("mount", "exec"),
    crash("mount", "socket"),
    # a driver that crashes is a driver that is missing
    crash("drivers", "abort", "LINTEL-E-CRASH"),
    # an image that nobody could look into is left out
    *(crash(verb, "kill", BOOT, extra=(Extra("a.raw"),), shows=("LINTEL-E-CRASH",))
      for verb in ("loop", "extension")),
    # what was lost is asked for again, by a child that needs nothing of the plan
    crash("uevents", "lost", BOOT, shows=("uevents were lost", "coldplug: done")),
    crash("unlock", "kill", firmware="secureboot", **LUKS),
    crash("measure", "kill", firmware="secureboot", **LUKS),
    # a TPM that comes when all else is there
    crash("tpm", "late", BOOT, firmware="secureboot", shows=("crash: the TPM comes now",),
          sets=(Set(layout="luks", fstype="ext4"),), policy=LUKS["policy"]),
]
