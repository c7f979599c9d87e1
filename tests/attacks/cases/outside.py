"""Images that are signed, and yet not for this boot: older ones that were revoked (threat A26)."""

from case import BOOT, Case, Extra, Set

DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1"}
PLAIN = Set(tree="plain")


def image(own, **fields):
    return Extra(f"{own}.sysext.raw", release="ID=plain\nVERSION_ID=1\n",
                 files=((f"usr/lib/lintel-ext/{own}", f"{own} is here\n"),), **fields)


def here(name):
    return rf"LINTEL-TEST-FILE /usr/lib/lintel-ext/{name}: {name} is here$"


def revoked(name, expect, *revoke, **fields):
    return Case(f"a26-{name}", expect if expect == BOOT else f"LINTEL-E-{expect}", revoke=revoke,
                **{"sets": (PLAIN,), "checked": False, **DIRECT, **fields})


NEW, OLD = image("new"), image("old")
TWO = {"sets": (Set("mini"), Set("canary", label="lintel_2")), "cmdline": ""}

CASES = [
    # A26: the same images, with the list and without
    revoked("extension", BOOT, OLD, extra=(NEW, OLD), checked=True, hides=(here("old"),),
            shows=(here("new"), "note: ext:sysext-old failed: LINTEL-E-REVOKED")),
    revoked("extension-without-list", BOOT, extra=(NEW, OLD), shows=(here("new"), here("old"))),
    revoked("extension-refused", "EXTENSION", OLD, extra=(NEW, OLD),
            cmdline="root=PARTLABEL=lintel_1 lintel.extensions=refuse"),
    revoked("root", "REVOKED", "lintel_1", checked=True),
    revoked("root-by-word", "REVOKED", "lintel_1", cmdline="roothash={roothash}"),
    revoked("root-newest", BOOT, "lintel_2", firmware="secureboot", shows=("LINTEL-TEST-DM root ro=1",), **TWO),
    revoked("root-all", "REVOKED", "lintel_1", "lintel_2", firmware="secureboot", **TWO),
]
