"""Attacks on the machine: Secure Boot, the TPM's banks and NV index, a hibernation image (threats A29, A37, A41, A48)."""

from case import BOOT, Case, Set
from mutate import hibernate

POLICY = "root=encrypted:usr=signed+absent:=unused+absent"
SIGNED = Set("mini", layout="luks", fstype="ext4")
SECURE = Set("mini", layout="luks", fstype="ext4", pcrs="7:sha256={pcr7}")
LOCKED = Set("mini", layout="luks", fstype="ext4", locked=True)
MINI = Set("mini")
OPENED = (r"LINTEL-TEST-DM root ",)


def luks(name, expect, part, **fields):
    return Case(name, expect if expect == BOOT else f"LINTEL-E-{expect}", sets=(part,), policy=POLICY,
                **{"checked": False, "shows": OPENED if expect == BOOT else (), **fields})


def index(how, expect, *reasons):
    return luks(f"a41-index-{how}", expect, LOCKED, pcrlock="this", pcrlock_index=how,
                **({"shows": reasons} if reasons else {}))


def suspended(name, **fields):
    """Booted as ever, and the image lies there as it was: a kernel that tries one takes its mark away first."""
    return Case(name, sets=(MINI,), mutations=(hibernate,), hides=("LINTEL-TEST-SWAP .*SWAPSPACE2",),
                shows=(r"LINTEL-TEST-SWAP vda\d S1SUSPEND",), **fields)


CASES = [
    # A29: sealed to what PCR 7 is with Secure Boot on
    luks("a29-secure-boot-off", "UNSEAL", SECURE, secure_boot=False, checked=True,
         shows=("Secure boot disabled", "note: Secure Boot is off", r"sealed to other values of PCRs \(sha256\), which now are 7=[0-9a-f]{16};")),
    luks("a29-secure-boot-on", BOOT, SECURE),
    # the UKI is the genuine one, and PCR 11 says no more; who brings another can say the same of it
    luks("a29-sealed-to-the-uki-alone", BOOT, SIGNED, secure_boot=False),
    # A37: what was sealed to SHA-256 is refuse-luks-sha1-only; a root that is not sealed is measured in what there is
    Case("a37-sha1-verity", sets=(MINI,), tpm="sha1", checked=False, shows=("LINTEL-TEST-DM root ",)),
    luks("a37-sha1-pcrlock", "UNSEAL", LOCKED, pcrlock="this", tpm="sha1",
         shows=("PCR 11 has no active bank sha256",)),
    luks("a37-sha384-only", "UNSEAL", SIGNED, tpm="sha384", shows=("PCR 11 has no active bank sha256",)),
    # A41: the NV index that approves a pcrlock policy
    index("removed", "UNSEAL", r"the TPM has no NV index 0x[0-9a-f]+: another TPM, or cleared"),
    index("replaced", "UNSEAL", r"the TPM's NV index 0x[0-9a-f]+ is not the one that the token names"),
    index("written", BOOT),
    # A48: without firmware, no lockdown keeps the kernel from resuming
    suspended("a48-resume", firmware="direct", cmdline="root=PARTLABEL=lintel_1", appended="resume=/dev/vda4"),
    suspended("a48-resume-smbios", appended="resume=PARTLABEL=swap resume_offset=0", checked=False),
]
