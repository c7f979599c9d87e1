"""What the stub hands over: extension images and credentials, merged or skipped by name."""

from case import BOOT, Case, Extra, Set, service

DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1"}
OWN = "usr/lib/lintel-ext/"
REPORT = """#!/bin/sh
exec > /dev/ttyS0 2>&1
export SYSTEMD_COLORS=0 SYSTEMD_PAGER=
echo
say() { sed "s|^|LINTEL-TEST-$1 |"; }
systemd-sysext status | say SYSEXT
systemd-confext status | say CONFEXT
cat /usr/lib/lintel-ext/* | say FILE
cat /etc/lintel-ext | say FILE
findmnt --noheadings --output TARGET,FSTYPE,OPTIONS /usr | say MOUNT
findmnt --noheadings --output TARGET,FSTYPE,OPTIONS /etc | say MOUNT
ls /run/extensions /run/confexts | say KEPT
ls -l /run/credentials/@encrypted | say CRED
find /run/systemd/stub /run/systemd/tpm2-* -type f -printf '0%m %p\n' | say STUB
echo "$(uname -n)" | say HOSTNAME
head -c 4 /usr/bin/true > /dev/null && touch /usr/x 2>&1 | say WRITE
systemd-sysext refresh
systemd-sysext status | say REFRESHED
losetup --noheadings --output NAME,BACK-FILE | say LOOP
"""
SAYS = service("report-ext", REPORT, "systemd-confext.service systemd-sysext.service")


def sysext(own, order="", text="hello", **fields):
    return Extra(f"{own}.sysext.raw", files=(
        (f"{OWN}{own}", f"{own} says {text}\n"), *((f"{OWN}top", f"top is {order}\n"),) * bool(order),
        *SAYS * (own == "report")), **fields)


REPORTER = sysext("report")


def skipped(name, code, extra, reason="", **fields):
    """A bad image beside the good one: the boot goes on, with the good one alone."""
    return Case(f"extension-{name}", BOOT, extra=(REPORTER, extra), shows=(
        rf"note: .* failed: LINTEL-E-{code}: .*{reason}", r"LINTEL-TEST-SYSEXT /usr +report +",
        "LINTEL-TEST-FILE report says hello"), **{**DIRECT, **fields})


# For the initrd, whose own release says ID=lintel: it has no driver of the disk, or no certificate.
INITRD = "ID=lintel\nSYSEXT_SCOPE=initrd\nSYSEXT_VERSION_ID=7\n"
DRIVER = {"firmware": "direct", "drivers": ("base",),
          "cmdline": "root=PARTLABEL=lintel_1 lintel.timeout=20"}


def driver(**fields):
    return Extra("disk.sysext.raw", modules=("virtio_blk",), **{"release": INITRD, **fields})


CERTIFICATE = Extra("trust.sysext.raw", release=INITRD, files=(("usr/lib/verity.d/a.crt", "@wrong.crt"),))
TRUST = {"firmware": "direct", "sets": (Set(sign="wrong"),), "extra": (CERTIFICATE,)}

CASES = [
    Case("extension-initrd-driver", checked=False, extra=(driver(),), shows=("initrd: done in",), **DRIVER),
    Case("extension-initrd-unsigned", "LINTEL-E-ROOT-MISSING", checked=False, extra=(driver(sign=None),),
         shows=("note: ext:sysext-disk failed: LINTEL-E-VERITY-UNSIGNED",), **DRIVER),
    Case("extension-initrd-scope", "LINTEL-E-ROOT-MISSING", checked=False,
         extra=(driver(release="ID=_any\n"),), hides=("initrd: done in",), **DRIVER),
    Case("extension-initrd-other", "LINTEL-E-ROOT-MISSING", checked=False,
         extra=(driver(release=INITRD.replace("lintel", "debian")),),
         shows=("note: mount:sysext-disk failed: LINTEL-E-EXTENSION: ID is debian",), **DRIVER),
    Case("extension-certificate", checked=False,
         cmdline="root=PARTLABEL=lintel_1 lintel.extension_certificates=yes", **TRUST),
    Case("extension-certificate-unasked", "LINTEL-E-SIG-UNTRUSTED", checked=False,
         cmdline="root=PARTLABEL=lintel_1", **TRUST),
    Case("extension-stub", extra=(
        REPORTER,
        Extra("etc1.confext.raw", folder="confext", files=(("etc/lintel-ext", "from etc1\n"),)),
        Extra("lintel.test.cred", folder="credentials", text="not decrypted here")), shows=(
            r"LINTEL-TEST-SYSEXT /usr +report +", r"LINTEL-TEST-CONFEXT /etc +etc1 +",
            "LINTEL-TEST-FILE from etc1", r"LINTEL-TEST-KEPT report.raw",
            r"LINTEL-TEST-CRED -r-------- .* lintel.test$",
            r"LINTEL-TEST-REFRESHED /usr +report +")),
    # an older stub, which has sysexts and credentials alone, and a newer one, which takes all for all UKIs, too
    Case("extension-stub-252", checked=False, stub="bookworm", extra=(
        REPORTER, Extra("lintel.test.cred", folder="credentials", text="not decrypted here")), shows=(
            r"LINTEL-TEST-SYSEXT /usr +report +", r"LINTEL-TEST-CRED -r-------- .* lintel.test$",
            r"LINTEL-TEST-REFRESHED /usr +report +")),
    Case("extension-stub-262", checked=False, stub="forky", extra=(
        sysext("report", folder="global_sysext"),
        Extra("etc1.confext.raw", folder="global_confext", files=(("etc/lintel-ext", "from etc1\n"),)),
        Extra("lintel.test.cred", folder="global_credentials", text="not decrypted here")), shows=(
            r"LINTEL-TEST-SYSEXT /usr +report +", r"LINTEL-TEST-CONFEXT /etc +etc1 +", "LINTEL-TEST-FILE from etc1",
            r"LINTEL-TEST-CRED -r-------- .* lintel.test$", "LINTEL-TEST-STUB 0444 .*/tpm2-pcr-signature.json",
            "LINTEL-TEST-STUB 0444 .*/tpm2-pcr-public-key.pem", "LINTEL-TEST-STUB 0444 .*/stub/os-release",
            r"LINTEL-TEST-REFRESHED /usr +report +")),
    Case("extension-order", extra=(
        REPORTER, sysext("v_2", "v_2"), sysext("v_10", "v_10"),
        sysext("v_9", "v_9", folder="global_sysext")), shows=(
            "LINTEL-TEST-FILE top is v_10", "LINTEL-TEST-FILE v_2 says hello",
            r"LINTEL-TEST-MOUNT /usr +overlay +ro,nodev",
            r"LINTEL-TEST-SYSEXT /usr +report +", r"LINTEL-TEST-SYSEXT +v_2", "SYSEXT +v_9",
            "SYSEXT +v_10"), **DIRECT),
    # extension_rows.py has the like of these on a host that boots sooner
    skipped("unsigned", "VERITY-UNSIGNED", sysext("bad", sign=None), checked=False),
    skipped("wrong-key", "SIG-UNTRUSTED", sysext("bad", sign="wrong"), checked=False),
    skipped("other-id", "EXTENSION", sysext("bad", release="ID=fedora\nVERSION_ID=13\n"), "ID is",
            checked=False),
    skipped("other-version", "EXTENSION", sysext("bad", release="ID=debian\nVERSION_ID=12\n"),
            "VERSION_ID is", checked=False),
    skipped("other-name", "EXTENSION", sysext("bad", name="other"), "extension-release.NAME",
            checked=False),
    skipped("truncated", "GPT", sysext("bad", keep=0.5), checked=False),
    skipped("no-image", "GPT", Extra("bad.raw", text="no partition table"), checked=False),
    skipped("bad-name", "EXTENSION", Extra("bad:name.raw", text="x"), "not an image's name", checked=False),
    Case("extension-refused", "LINTEL-E-EXTENSION", extra=(REPORTER, sysext("bad", sign="wrong")),
         firmware="direct", cmdline="root=PARTLABEL=lintel_1 lintel.extensions=refuse"),
]

# the root's own: the host's systemd-sysext finds it where lintel's link leads, and a refresh keeps it
CASES.append(Case("extension-stored-systemd", sets=(Set(stored=(("etc/extensions", REPORTER),)),),
                  firmware="direct", cmdline="root=PARTLABEL=lintel_1 lintel.stored_extensions=yes", shows=(
                      r"LINTEL-TEST-SYSEXT /usr +report +", "LINTEL-TEST-FILE report says hello",
                      r"LINTEL-TEST-REFRESHED /usr +report +"), checked=False))
