"""What a refusal does: the PCRs, the next boot, and how it ends."""

import hashlib

from case import Case
from mutate import delete, resign


def capped(before=bytes(32)):
    """The start of a PCR's sha256 after "recovery" was extended into it."""
    word = hashlib.sha256(b"recovery").digest()
    return hashlib.sha256(before + word).hexdigest()[:16]


# PCR 15 is zero until a volume key is measured, so its value after the cap is known.
CAPPED = rf"cap: status=done .*pcr11-sha256=[0-9a-f]{{16}} .*pcr15-sha256={capped()}"
NOTE = (r"note: an earlier boot was refused: count={} phone=\S+ code=LINTEL-E-SIG-UNTRUSTED text=\S")


def refused(name, *shows, action="poweroff", **fields):
    return Case(f"recovery-{name}", "LINTEL-E-SIG-UNTRUSTED", mutations=(resign("wrong"),),
                cmdline=f"lintel.on_failure={action}", shows=shows, **fields)


CASES = [
    refused("caps", CAPPED, "LINTEL-E-SIG-UNTRUSTED +code [0-9A-Z]{3}-[0-9A-Z]{5}",
            "EFI variable LintelLastRefusal", "Powering off"),
    # One machine, its variables and TPM: three boots, each of which says what was before it. Not in `make check`:
    # QEMU's firmware hung once, before the third kernel.
    refused("reboots-are-counted", CAPPED, "Rebooting", NOTE.format(1), NOTE.format(2),
            "Too many refused boots in a row: powering off", action="reboot", reboots=True,
            timeout=300, checked=False),
    refused("menu-times-out", r"\[r\] try again", "There is no shell here", "Powering off",
            action="recover"),
    refused("fallback-without-another", "the boot loader offers no other entry", "Rebooting",
            action="fallback", checked=False),
    # What cannot be capped shows nothing and waits for nobody.
    Case("recovery-cannot-cap", "LINTEL-E-BOOTDISK-MISSING", tpm_dies_at="m1: done", timeout=300,
         cmdline="modprobe.blacklist=virtio_blk lintel.timeout=12 lintel.on_failure=recover lintel.pause=60",
         goes_on=True, checked=False, hides=(r"\[r\] try again", "The boot was refused"),
         shows=(r"lintel: waiting for .*: 1\d s, at most 12 s", "and the TPM cannot be capped: ",
                "Powering off at once")),
    # Before any driver: the cap itself finds the TPM.
    Case("recovery-caps-early", "LINTEL-E-CMDLINE", cmdline="lintel.nonsense", shows=(CAPPED,),
         checked=False),
    # No TPM, no EFI variables: nothing to cap, and no reboot that cannot be counted.
    Case("recovery-not-counted", "LINTEL-E-VERITY-UNSIGNED", firmware="direct",
         cmdline="root=PARTLABEL=lintel_1 lintel.on_failure=reboot",
         mutations=(delete("root-verity-sig"),),
         shows=("skipped=no-tpm", "Boots cannot be counted: powering off")),
    # The menu's keys: what is none does nothing; a retry; and at the second boot, off.
    refused("menu-keys", NOTE.format(1), "Rebooting", "the boot loader offers no other entry", "Powering off",
            action="recover lintel.pause=60", reboots=True, timeout=400, checked=False,
            answers=((r"\[r\] try again", "xqr"), ("refused: count=1", ""),
                     (r"\[r\] try again", "o"), ("offers no other entry", "p"))),
    # A disk that hardly answers: what is awaited and for how long, and what was killed.
    Case("recovery-hung-step", "LINTEL-E-ROOT-MISSING", firmware="direct", drive="throttling.bps-total=512",
         cmdline="root=PARTLABEL=lintel_1 lintel.timeout=62", timeout=300, checked=False,
         shows=(r"lintel: \S+:\S+: \d+ s, at most 60 s", r"LINTEL-E-TIMEOUT: no end after 60000 ms")),
]
