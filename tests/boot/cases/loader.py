"""systemd-boot itself on the ESP: tries that run down, and the entry that lintel chooses for once."""

from case import BOOT, Case, Entry

# Refused in no time: no version of this image is allowed.
BROKEN = "lintel.minimum_version=9"
OLDER = Entry("lintel_1.efi", "lintel.report")
REFUSED = "LINTEL-E-VERSION"


def loader(name, newer, words, *shows, expect=BOOT, **fields):
    return Case(f"loader-{name}", expect, cmdline=words, shows=shows, **{
        "entries": (Entry(newer, BROKEN), OLDER), "reboots": True, "timeout": 400, **fields})


CASES = [
    # Two tries, both refused; then systemd-boot takes the older one, and its boot clears what was counted.
    loader("tries-run-down", "lintel_2+2-0.efi", "lintel.on_failure=reboot",
           r"efi LoaderBootCountPath value=\\EFI\\Linux\\lintel_2\+1-1.efi",
           r"efi LoaderBootCountPath value=\\EFI\\Linux\\lintel_2\+0-2.efi",
           r"note: an earlier boot was refused: count=2", "result loader:clear status=done"),
]
