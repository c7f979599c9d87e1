"""
Extension images on a small host without systemd: what is inside, what breaks, whose they are.

Rows of systemd's test/units/TEST-50-DISSECT.sysext.sh that are taken, as ours: read-only over a
read-only hierarchy with and without files in it; a hierarchy that the image lacks; ID, ID_LIKE (unit
rows, too) and _any; a release file of another name, strict and relaxed; .v folders; confexts; more than
one image; status and refresh. A hierarchy that the root lacks gets none here, as the root is verified.
Not taken: mutable and ephemeral modes, plain folders (no signature), --root=, varlink, NOEXEC switches:
they are the host's to choose with systemd-sysext.
"""

from case import BOOT, Case, Extra, Set

DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1"}
RELEASE = "ID=plain\nVERSION_ID=1\n"
FOLDER = "usr/lib/lintel-ext"
PLAIN = Set(tree="plain")


def image(own, *files, file=None, release=RELEASE, **fields):
    """An image with a file of its own name; `file`: it has another file name."""
    return Extra(file or f"{own}.sysext.raw", release=release, files=(
        (f"{FOLDER}/{own}", f"{own} is here\n"), *files), **fields)


def here(name):
    return rf"LINTEL-TEST-FILE /{FOLDER}/{name}: {name} is here$"


def kept(name, folder="extensions"):
    return rf"LINTEL-TEST-KEPT /run/{folder}/{name}.raw$"


def note(name, code, reason=""):
    return rf"note: .*{name}.* failed: LINTEL-E-{code}: .*{reason}"


GOOD = image("good")
BIG = ("usr/lib/lintel-ext/zz-big", "all of this is one long text\n" * 9000)
CASES = [
    # each stands for itself: what is wrong with one is no other's business
    Case("extension-plain-host", BOOT, (PLAIN,), extra=(
        GOOD, image("squash", fstype="squashfs"), image("ext", fstype="ext4"), image("large", sector=4096),
        image("any", release="ID=_any\nARCHITECTURE=x86-64\n"),
        image("opt", ("opt/lintel-ext/o", "over opt\n")),
        image("arch", release=f"{RELEASE}ARCHITECTURE=arm64\n"),
        image("portable", release=f"{RELEASE}SYSEXT_SCOPE=portable\n"),
        image("id", release="ID=other\nVERSION_ID=1\n"),
        image("level", release="ID=plain\nSYSEXT_LEVEL=2\n"),
        image("osrel", ("usr/lib/os-release", "ID=evil\n")),
        image("init", ("usr/lib/systemd/systemd", "not an init\n"), sign="wrong"),
        image("renamed", name="other"),
        Extra("dots...raw", text="x"), Extra("..raw", text="x"), Extra("a b.raw", text="x"),
        Extra("etc.confext.raw", folder="confext", release=RELEASE,
              files=(("etc/lintel-ext.d/c", "over etc\n"),))),
        shows=(
            here("good"), here("squash"), here("ext"), here("large"), here("any"), here("opt"),
            "LINTEL-TEST-FILE /opt/lintel-ext/o: over opt", "LINTEL-TEST-FILE /etc/lintel-ext.d/c: over etc",
            kept("good"), kept("large"), kept("etc", "confexts"), r"LINTEL-TEST-MOUNT sysext /usr overlay ro,nodev",
            r"LINTEL-TEST-MOUNT confext /etc overlay ro,nosuid,nodev,noexec",
            note("arch", "EXTENSION", "ARCHITECTURE is arm64"), note("portable", "EXTENSION", "scope"),
            note("id", "EXTENSION", "ID is other"), note("level", "EXTENSION", "VERSION_ID is missing"),
            note("osrel", "EXTENSION", "os-release"), note("init", "SIG-UNTRUSTED"),
            note("renamed", "EXTENSION", "extension-release.NAME"), note(r"sysext/\.\.raw", "EXTENSION", "name"),
            note("a%20b", "EXTENSION", "name")),
        hides=("LINTEL-TEST-MOUNT .*/run/lintel", *(here(name) for name in (
            "arch", "portable", "id", "level", "osrel", "init", "renamed"))), memory=1024, **DIRECT),
    # the root's own folders: a symlink, a versioned folder, a confext, and what is not signed
    Case("extension-stored", BOOT, (Set(tree="plain", stored=(
        ("usr/share/images", image("linked", file="linked_7.raw", name="linked")),
        ("etc/extensions", Extra("linked.raw", text="->/usr/share/images/linked_7.raw")),
        ("var/lib/extensions/many.raw.v", image("many", file="many_9.raw", name="many")),
        ("var/lib/extensions/many.raw.v", image("newest", file="many_10_x86-64.raw", name="many")),
        ("var/lib/extensions/many.raw.v", image("other", file="many_11_arm64.raw", name="many")),
        ("var/lib/extensions", image("twice")),
        ("usr/lib/confexts", Extra("etc.confext.raw", folder="confext", release=RELEASE,
                                   files=(("etc/lintel-ext.d/c", "over etc\n"),))),
        ("var/lib/extensions", image("unsigned", sign=None)),
        ("var/lib/extensions/tree/usr/lib/lintel-ext", Extra("folder", text="folder is here\n")))),),
        extra=(GOOD, image("twice")), firmware="direct",
        cmdline="root=PARTLABEL=lintel_1 lintel.stored_extensions=yes", shows=(
            here("good"), here("linked"), here("newest"), here("twice"),
            "LINTEL-TEST-FILE /etc/lintel-ext.d/c: over etc",
            "LINTEL-TEST-LINK /run/extensions/linked.raw -> /etc/extensions/linked.raw",
            "LINK /run/extensions/many.raw -> /var/lib/extensions/many.raw.v/many_10_x86-64.raw",
            kept("twice"), "LINK /run/confexts/etc.raw -> /usr/lib/confexts/etc.confext.raw",
            note("unsigned", "VERITY-UNSIGNED"), note("tree", "EXTENSION", "no signature"),
            "note: /var/lib/extensions/twice.sysext.raw: sysext/twice.sysext.raw comes before it"),
        hides=tuple(here(name) for name in ("many", "other", "unsigned", "folder"))),
    Case("extension-stored-unsigned", "LINTEL-E-CMDLINE-UNSIGNED", (Set(tree="plain"),),
         firmware="direct", cmdline="root=PARTLABEL=lintel_1", appended="lintel.stored_extensions=yes",
         checked=False),
    Case("extension-breaks-later", BOOT, (PLAIN,), extra=(
        GOOD, image("late", BIG, breaks="all of this is one long text\n"),
        image("early", breaks="early is here\n")), shows=(
            note("early", "VERITY-CORRUPT"),
            here("good"), here("late"),
            "FILE /usr/lib/lintel-ext/zz-big: all of this is one long text and then (I/O|Input/output) error"),
         **DIRECT),
    # one that crashes its reader takes none of those along that share it
    Case("extension-reader-crashes", BOOT, (PLAIN,), crash=True, firmware="direct", memory=1024,
         cmdline="root=PARTLABEL=lintel_1 crash=reading:second", extra=tuple(image(f"m{n:02}") for n in range(16)),
         shows=(*(here(f"m{n:02}") for n in range(0, 16, 2)), note("probe:loop", "CRASH")),
         hides=tuple(here(f"m{n:02}") for n in range(1, 16, 2))),
    # as many as there may be: all are merged, the last on top
    Case("extension-many", BOOT, (PLAIN,), extra=tuple(
        image(f"m{n:02}", ("usr/lib/lintel-ext/top", f"top is {n}\n")) for n in range(64)), memory=1024,
        shows=(here("m00"), here("m63"), "LINTEL-TEST-FILE /usr/lib/lintel-ext/top: top is 63"), checked=False,
        **DIRECT),
    Case("extension-too-many", "LINTEL-E-LIMIT", (PLAIN,), extra=tuple(
        Extra(f"i{n}.raw", text="x") for n in range(65)), checked=False, **DIRECT),
]
