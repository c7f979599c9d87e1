"""The recovery shell: who gets it, what it shows, and that it ends in a restart."""

from case import Case
from mutate import delete

# Of "password", by Debian's argon2(1); the cheapest that is taken.
HASH = "$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$ByAEVKTCNpqJN0HGv2NV8pvzV4V8xeuOh5UQT75wo44"
ALLOWED = "lintel.on_failure=recover lintel.shell lintel.pause=60"
MENU = r"\[s\] shell"
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
    shell("wrong-passwords", (MENU, "s"), password(1, "PASSWORD"), password(2, "password "),
          password(3, "passwor"), hides=("lintel> ",),
          shows=("try 3 of 3: ", "3 wrong passwords|3%20wrong%20passwords", "The shell stays closed: powering off")),
    # a hash alone opens nothing, and the key that would ask for it is none
    shell("not-in-the-line", (r"There is no shell here", "s"), words="lintel.on_failure=recover lintel.pause=3",
          hides=(MENU, "Password"), shows=("Powering off",)),
    shell("without-password", (r"There is no shell here", "s"), shell="", words=f"{ALLOWED} lintel.pause=3",
          hides=(MENU, "Password"), shows=("Powering off",), checked=False),
    Case("shell-appended", "LINTEL-E-CMDLINE-UNSIGNED", firmware="direct", appended="lintel.shell",
         shell=HASH, hides=(MENU,)),
]
