"""A kernel that is told to check more: lintel works under it, and what it then refuses is refused by name."""

from case import BOOT, Case, Extra, Set
from mutate import resign

LOCKED = "lockdown=confidentiality module.sig_enforce=1"
SIGNED_ONLY = "dm_verity.require_signatures=1"


def locked(name, expect=BOOT, *mutations, words=f"{LOCKED} {SIGNED_ONLY}", **fields):
    """Directly: there Secure Boot does not lock the kernel down before."""
    root = "" if "roothash=" in words else "root=PARTLABEL=lintel_1 "
    return Case(name, expect if expect == BOOT else f"LINTEL-E-{expect}", mutations=mutations,
                **{"firmware": "direct", "cmdline": f"{root}{words}", "checked": False, **fields})


IPE = """policy_name=lintel policy_version=0.0.1
DEFAULT action=ALLOW
DEFAULT op=EXECUTE action=DENY
op=EXECUTE dmverity_signature=TRUE action=ALLOW
"""


def ipe(name, root, sign="secureboot", by="secureboot"):
    """The root has the kernel enforce that policy: `root`, what then becomes of its own program."""
    policy = ("etc/ipe", Extra("policy", text=IPE, sign=by, smime=True))
    own, copy = "/usr/lib/systemd/systemd", "/tmp/copy"
    return Case(name, sets=(Set("ipe", sign=sign, stored=(policy,)),), checked=False, shows=(
        "LINTEL-TEST-IPE lsm: .*ipe", f"before {own}: done", f"before {copy}: done", "IPE  policy: done",
        "IPE  active: done", f"after {own}: {root}", f"after {copy}: Permission denied"))


CASES = [
    locked("boot-lockdown", shows=("Kernel is locked down from command line",), firmware="secureboot",
           cmdline=f"{LOCKED} {SIGNED_ONLY}"),
    # without the words, both of these boot: the hash of the UKI's own line is enough, and so is an unsigned module
    locked("boot-unsigned-hash", words="roothash={roothash}", sets=(Set(sign=None),)),
    locked("refuse-unsigned-hash", "DM", words=f"roothash={{roothash}} {SIGNED_ONLY}", sets=(Set(sign=None),)),
    locked("boot-unsigned-modules", words="", unsigned=True),
    locked("refuse-unsigned-modules", "DRIVER", words="module.sig_enforce=1", unsigned=True,
           shows=("its signature is missing or was rejected",)),
    # the kernel saw the root hash's signature and knows its key; the other one only lintel knows
    ipe("boot-ipe", "done"),
    ipe("boot-ipe-unknown-signer", "Permission denied", sign="verity"),
    locked("refuse-lockdown-signature-by-wrong-key", "SIG-UNTRUSTED", resign("wrong")),
]
