"""Roots that a person opens at the console, and who is never asked."""

from case import BOOT, Case, Set
from typed import PASSPHRASE, PIN, RECOVERY

POLICY = "root=encrypted:usr=signed+absent:=unused+absent"
MOUNT = r"LINTEL-TEST-MOUNT / +ext4 +/dev/(mapper/|dm-)"
ASKED = r"try \d of \d"
# A30: held keys, and every key that some terminal makes a signal or an end of file
STORM = "\x03\x04\x1a\x1c\r\x1b[A\x11\x13" * 25
SEARCHED = r"lintel: m2: done|systemd\[1\]: systemd 2"
# AES-XTS as dm-crypt has it: the key, and the last round of its schedule for decryption
KERNELS = 2
PHONE = r" code [0-9A-Z]{3}-[0-9A-Z]{5}"
KEY_FILE = "rd.luks.key=/etc/cryptsetup-keys.d/root.key"
ARGON2ID = Set("mini", layout="luks", fstype="ext4", typed=True, argon2id=True)
SECRETS = (PASSPHRASE, PIN, RECOVERY)


def asks(name, expect, words, *answers, **fields):
    return Case(name, expect if expect == BOOT else f"LINTEL-E-{expect}", cmdline=words,
                answers=answers, **{
                    "hides": SECRETS,
                    "sets": (Set(layout="luks", fstype="ext4", typed=True),), "policy": POLICY,
                    "unsealed": 0, "timeout": 300, **fields})


def at(number, text, what="Passphrase", of=3):
    return rf"{what} of the encrypted disk /dev/vda\d \(root\), try {number} of {of}: $", text + "\r"


CASES = [
    # what was typed before the question is no answer; a PIN opens no key slot
    asks("boot-luks-passphrase", BOOT,
         "lintel.ask=passphrase rd.luks.options=password-echo=masked,discard,no-read-workqueue",
         (r"probe:vda: done", f"{PASSPHRASE}\r" + STORM), at(1, STORM + PIN), at(2, STORM + "\x7f" * 9
          + PASSPHRASE), shows=(MOUNT, ": \\*{8}$", "Wrong: it opens no key slot"),
         search_at=SEARCHED, volume_keys=KERNELS, checked=False),
    # and a passphrase is none of the TPM's business but as a wrong PIN
    asks("boot-luks-pin", BOOT, "lintel.ask=pin", at(1, PASSPHRASE, "PIN"), at(2, PIN, "PIN"),
         shows=(MOUNT, "Wrong PIN: "), unsealed=1, search_at=SEARCHED,
         volume_keys=KERNELS),
    asks("boot-luks-pin-unwiped", BOOT, "lintel.ask=pin", at(1, PIN, "PIN"), shows=(MOUNT,),
         unsealed=1, search_at=SEARCHED, volume_keys=KERNELS, unwiped=True, checked=False),
    # systemd 262's own choice: Argon2id, in a guest of 512 MiB, from the one PIN that was typed
    asks("boot-luks-pin-argon2id", BOOT, "lintel.ask=pin", at(1, PASSPHRASE, "PIN"), at(2, PIN, "PIN"),
         sets=(ARGON2ID,), shows=(MOUNT, "Wrong PIN: "), unsealed=1, checked=False),
    asks("refuse-luks-pin-argon2id", "KEY-WRONG", "lintel.ask=pin rd.luks.options=tries=1", at(1, PIN + "x", "PIN", of=1),
         sets=(ARGON2ID,), checked=False),
    # three wrong ones, and the TPM takes no PIN for a while, not even the right one
    asks("refuse-luks-locked-out", "LOCKOUT", "lintel.ask=pin rd.luks.options=tries=5",
         *(at(number, "wrong", "PIN", of=5) for number in (1, 2, 3)), at(4, PIN, "PIN", of=5),
         checked=False),
    asks("boot-luks-recovery", BOOT, "lintel.ask=recovery", at(1, PASSPHRASE, "Recovery key"),
         at(2, RECOVERY.upper().replace("-", ""), "Recovery key"), shows=(MOUNT, "Wrong: "),
         checked=False),
    asks("refuse-luks-wrong-passphrases", "KEY-WRONG", "lintel.ask=passphrase",
         at(1, RECOVERY), at(2, PIN), at(3, STORM + "wrong"), shows=("3 wrong ones",),
         search_at=PHONE),
    asks("boot-luks-key-file", BOOT, f"{KEY_FILE} rd.luks.options=headless", key_file=PASSPHRASE,
         shows=(MOUNT,), checked=False),
    # a PIN in a file opens nothing either, and who is headless is not asked
    asks("refuse-luks-headless", "UNSEAL", f"{KEY_FILE} lintel.ask=passphrase rd.luks.options=headless",
         key_file=PIN, hides=(ASKED, *SECRETS), shows=("root.key: it opens none of its key slots.*token 1: needs a PIN",)),
    Case("refuse-luks-ask-appended", "LINTEL-E-CMDLINE-UNSIGNED", firmware="direct",
         appended="lintel.ask=passphrase", hides=(ASKED,)),
]
