# What lintel compiles and links with, once images/sysroot/build has run.
SYSROOT := build/sysroot
SYSROOT_CC := $(SYSROOT)/bin/lintel-cc

# hardening and size; warnings are the including makefile's
SYSROOT_CFLAGS := -Os -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong \
	-ftrivial-auto-var-init=zero -fno-unwind-tables -fno-asynchronous-unwind-tables
SYSROOT_LDFLAGS := -static-pie -Wl,--gc-sections -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	-Wl,-z,separate-code -Wl,-z,pack-relative-relocs

# in the linker's order
SYSROOT_LIBS_INIT := -lcryptsetup -ldevmapper -lblkid -luuid -ljson-c -lkmod \
	-ltss2-esys -ltss2-sys -ltss2-mu -ltss2-tcti-device -lcrypto
