"""The recovery shell: who gets it, what it shows, and that it ends in a restart."""

from case import Case, Extra, Set
from mutate import delete

# Of "password", by Debian's argon2(1); the cheapest that is taken.
HASH = "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$ByAEVKTCNpqJN0HGv2NV8pvzV4V8xeuOh5UQT75wo44"
ALLOWED = "lintel.on_failure=recover lintel.shell lintel.pause=60"
MENU = r"\[s\] shell"
SECRET = Extra("boot-secret", folder=".", text="boot-secret-of-this-machine\n")
BROKEN = delete("root-verity-sig")


def password(number, text):
    return rf"Password of the recovery shell, try {number} of 3: $", text + "\r"


def at_prompt(*commands):
    return tuple((r"^lintel> $", command + "\r") for command in commands)


def shell(name, *answers, words=ALLOWED, **fields):
    return Case(f"shell-{name}", "LINTEL-E-VERITY-UNSIGNED", mutations=(BROKEN,), answers=answers,
                firmware="direct", cmdline=f"root=PARTLABEL=lintel_1 {words}",
                **{"shell": HASH, "goes_on": True, "timeout": 400, "hides": ("password$",), **fields})


CASES = [
    shell("opens", (MENU, "s"), password(1, "passwords"), password(2, "passw0rd\x7f\x7f\x7ford"),
          *at_prompt("nonsense", "facts lintel_1_verity", "plan", "disks", "mounts", "log", "sh"),
          (r"^/ # ", "echo $(( 6 * 7 ))-busybox; id -u; cat /.extra/boot-secret /.extra/profile; exit\r"),
          *at_prompt("reboot"), extra=(SECRET, Extra("profile", folder=".", text="ID=here\n")),
          shows=("^Wrong", "No such command", r"^\d+ probe part vda2 .*label=lintel_1_verity",
                 r"^vda2 +\d+ sectors  lintel_1_verity", "^tmpfs /run", "^<10>.*lintel: .*VERITY-UNSIGNED", "^42-busybox",
                 "^ID=here", "Back in the recovery shell", "^Rebooting"), hides=("password$", "boot-secret-of")),
    shell("wrong-passwords", (MENU, "s"), password(1, "PASSWORD"), password(2, "password "),
          password(3, "passwor"), hides=("lintel> ",),
          shows=("try 3 of 3: ", "3 wrong passwords|3%20wrong%20passwords", "The shell stays closed: powering off")),
    # a hash alone opens nothing, and the key that would ask for it is none
    shell("not-in-the-line", (r"There is no shell here", "s"), words="lintel.on_failure=recover lintel.pause=3",
          hides=(MENU, "Password"), shows=("Powering off",)),
    shell("without-password", (r"There is no shell here", "s"), shell="", words=f"{ALLOWED} lintel.pause=3",
          hides=(MENU, "Password"), shows=("Powering off",), checked=False),
    # The boot unsealed its root and could not mount it: from the shell, the TPM (rc 0x99d: POLICY_FAIL) says no.
    Case("shell-unseals-nothing", "LINTEL-E-MOUNT", sets=(Set(layout="luks", fstype="ext4"),),
         policy="root=encrypted:usr=signed+absent:=unused+absent", cmdline=f"rootflags=nonsense {ALLOWED}",
         shell=HASH, tool="unseal", goes_on=True, unsealed=1, timeout=400,
         answers=((MENU, "s"), password(1, "password"), *at_prompt("sh"),
                  (r"^/ # ", "/unseal /dev/vda1; exit\r"), *at_prompt("poweroff")),
         shows=("^unseal: refused", "^unseal-anyway: rc 0x99d", "Powering off")),
    # Sealed to PCR 12, too, which only an appended word extends: the refusal names it, what it was, and the word.
    Case("shell-appended-word", "LINTEL-E-UNSEAL", sets=(Set("mini", layout="luks", fstype="ext4", pcrs="12"),),
         policy="root=encrypted:usr=signed+absent:=unused+absent", cmdline=ALLOWED, shell=HASH, appended="loglevel=5",
         goes_on=True, timeout=400, checked=False,
         answers=((MENU, "s"), password(1, "password"), *at_prompt("facts pcr", "poweroff")),
         shows=(r'PCR 12 \(sha256\) differs: expected 0{16}, is [0-9a-f]{16}, by EV_IPL "loglevel=5"',
                r"^\d+ \S+ pcr 12 step=key-root token=0 bank=sha256 value=[0-9a-f]{64} expected=0{64} "
                r"event=EV_IPL%20\S*loglevel=5", "Powering off")),
    Case("shell-appended", "LINTEL-E-CMDLINE-UNSIGNED", firmware="direct", appended="lintel.shell",
         shell=HASH, hides=(MENU,)),
    # The UKI's profile, not its line: nothing is booted, and the disk may be as good as it likes.
    Case("shell-by-profile", "LINTEL-E-RECOVERY", profile="ID=recovery|TITLE=Recovery", shell=HASH, goes_on=True,
         cmdline="lintel.pause=60", timeout=400, checked=False, hides=("LINTEL-TEST", "verity: "),
         answers=((MENU, "s"), password(1, "password"), *at_prompt("facts profile", "pcrs", "reboot")),
         shows=("stub config profile value=recovery", "not counted", r"^11 [0-9A-F]{64}", "Rebooting")),
    # The build for debugging stops before a step, without a password, and goes on; the release build knows no such word.
    Case("debug-break", firmware="direct", cmdline="root=PARTLABEL=lintel_1 lintel.break=root", debug=True,
         checked=False, timeout=300, answers=at_prompt("facts PARTLABEL", "reboot"),
         shows=("Debugging: ", "cmdline root value=PARTLABEL=lintel_1", "LINTEL-TEST-OK")),
    # PID 1 no longer runs, and so nobody feeds the watchdog: it resets the machine.
    shell("watchdog", (MENU, "s"), password(1, "password"), *at_prompt("sh"),
          (r"^/ # ", "mkdir /c; mount -t cgroup2 c /c; mkdir /c/f; echo 1 >/c/f/cgroup.procs; "
           "echo 1 >/c/f/cgroup.freeze; until grep 'frozen 1' /c/f/cgroup.events; do :; done\r"),
          words=f"{ALLOWED} lintel.pause=300",
          devices=("-device", "i6300esb"), hides=("Rebooting", "Powering off"), shows=("^frozen 1",), checked=False),
    # while PID 1 runs it is fed, also where nobody types: the machine lasts longer than the watchdog's minute
    shell("watchdog-fed", words=f"{ALLOWED} lintel.pause=100", devices=("-device", "i6300esb"),
          shows=(MENU, "Powering off"), checked=False),
]
