# lintel: `make run` boots the sample image in QEMU, `make check` passes the tests. Both set up all
# that they need. Everything that is built lies under build/.
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:

include images/sysroot/flags.mk

B := build
WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wundef -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wswitch-enum -Wcast-qual -Wwrite-strings
HARDEN := -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero \
	-fno-strict-overflow -fcf-protection
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -I. $(WARN)
# gcc only, and about text that is shown and may be cut
GCC_CFLAGS := $(BASE_CFLAGS) $(HARDEN) -Wno-format-truncation
ASAN_CFLAGS := $(BASE_CFLAGS) -Wno-format-truncation -O1 -g -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all

FUZZ_CFLAGS := $(BASE_CFLAGS) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

CORE := $(wildcard init/base/*.c generators/*.c generators/sources/*.c generators/rules/*.c)
INIT := $(CORE) $(wildcard init/*.c modules/*.c) images/sysroot/without.c
HOST := $(CORE) init/explain.c init/explain_dot.c images/lintel.c images/plan.c images/image.c \
	images/pe.c images/predict.c images/predict_log.c images/predict_pcrlock.c images/predict_main.c images/sysext.c images/hashtree.c \
	images/unpack.c modules/pkcs7.c modules/tpm2_expect.c
UNIT := $(CORE) init/explain.c init/explain_dot.c init/screen.c images/image.c images/pe.c images/predict.c images/predict_log.c images/predict_pcrlock.c \
	$(wildcard modules/dm.c modules/pkcs7.c modules/prompt.c modules/sandbox.c \
	modules/tpm2_expect.c tests/unit/*.c)
WORK := $(CORE) tests/unit/main.c $(wildcard tests/work/*.c)
FLIPS := $(CORE) modules/pkcs7.c tests/flips/flips.c
UNIT_TPM := $(CORE) modules/sandbox.c $(wildcard modules/tpm2*.c tests/tpm/*.c)
UNIT_LUKS := $(CORE) tests/unit/luks2_image.c modules/pbkdf2.c modules/unlock_header.c modules/unlock_report.c tests/unit/main.c $(wildcard tests/luks/*.c)
# What links libcryptsetup and tpm2-tss: modules/pbkdf2.c, images/sysroot/without.c.
ONE_CONTEXT := -Wl,--wrap=OSSL_LIB_CTX_new
INIT_LDFLAGS := $(SYSROOT_LDFLAGS) -Wl,--wrap=crypt_pbkdf $(ONE_CONTEXT)
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
SECONDS ?= 30

.PHONY: all run check unit lint flips fuzz boot attack size speed bench clean sysroot help
all: $(B)/init $(B)/lintel
ifeq ($(DEBUG),1)
all: $(B)/init-debug
endif

help:
	@echo 'make [DEBUG=1] run | check | unit | lint | fuzz [SECONDS=n] | boot [CASE=name] | attack [CASE=name]'
	@echo '     size | speed | bench | all | clean'

# --- what is built -------------------------------------------------------------------------------

# The sysroot's own script knows what is out of date; asking it is instant.
sysroot:
	@images/setup build
	@images/sysroot/build

$(SYSROOT_CC):
	@images/setup build
	@images/sysroot/build

$(B)/obj/init/%.o: %.c | $(SYSROOT_CC)
	@mkdir -p $(@D)
	@$(SYSROOT_CC) $(GCC_CFLAGS) $(SYSROOT_CFLAGS) -MMD -MP -c $< -o $@

$(B)/obj/asan/%.o: %.c
	@mkdir -p $(@D)
	@gcc $(ASAN_CFLAGS) -MMD -MP -c $< -o $@

# Static PIE without interpreter, stripped: anything else is an error here, not at boot.
$(B)/init: $(INIT:%.c=$(B)/obj/init/%.o)
	@$(SYSROOT_CC) $(INIT_LDFLAGS) -Wl,-Map=$(B)/init.map -o $@.debug $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group
	@strip -o $@ $@.debug
	@! readelf -lW $@ | grep -q INTERP || { echo 'build/init names an interpreter' >&2; exit 1; }
	@readelf -hW $@ | grep -q 'Type: *DYN' || { echo 'build/init is not a PIE' >&2; exit 1; }
	@echo "$@ $$(stat -c %s $@) bytes"

# For one boot test, which must find in the guest's memory what this one leaves there.
UNWIPED := $(INIT:%.c=$(B)/obj/unwiped/%.o)
$(B)/obj/unwiped/%.o: %.c | $(SYSROOT_CC)
	@mkdir -p $(@D)
	@$(SYSROOT_CC) $(GCC_CFLAGS) $(SYSROOT_CFLAGS) -include tests/boot/unwiped.h -c $< -o $@

$(B)/init-unwiped: $(UNWIPED)
	@$(SYSROOT_CC) $(INIT_LDFLAGS) -s -o $@ $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group

# With lintel.break= and lintel.debug, which the release build refuses.
$(B)/obj/debug/%.o: %.c | $(SYSROOT_CC)
	@mkdir -p $(@D)
	@$(SYSROOT_CC) $(GCC_CFLAGS) $(SYSROOT_CFLAGS) -DLINTEL_DEBUG -MMD -MP -c $< -o $@

$(B)/init-debug: $(INIT:%.c=$(B)/obj/debug/%.o)
	@$(SYSROOT_CC) $(INIT_LDFLAGS) -s -o $@ $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group
	@echo "$@ $$(stat -c %s $@) bytes, for debugging"

# The product's own objects; only what tests/crash needs is wrapped.
$(B)/init-crash: $(INIT:%.c=$(B)/obj/init/%.o) $(B)/obj/init/tests/crash/crash.o
	@$(SYSROOT_CC) $(INIT_LDFLAGS) $(foreach name,sandbox_child facts_add monitor_open monitor_read progress_tell disk_read,-Wl,--wrap=$(name)) -o $@ $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group

# The product's own objects; only what a step waits for is wrapped: tests/late.
$(B)/init-late: $(INIT:%.c=$(B)/obj/init/%.o) $(B)/obj/init/tests/late/late.o
	@$(SYSROOT_CC) $(INIT_LDFLAGS) -Wl,--wrap=step_ready -s -o $@ $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group

$(B)/lintel: $(HOST:%.c=$(B)/obj/init/%.o)
	@$(SYSROOT_CC) $(SYSROOT_LDFLAGS) -o $@ $^ -lcrypto
	@echo "$@ $$(stat -c %s $@) bytes"

# A third of a LUKS2 boot in an emulator; 8% quicker, for 300 bytes.
$(B)/obj/init/modules/pbkdf2.o: SYSROOT_CFLAGS += -O2

$(B)/unit: $(UNIT:%.c=$(B)/obj/asan/%.o)
	@gcc $(ASAN_CFLAGS) -o $@ $^ -lcrypto

$(B)/flips: $(FLIPS:%.c=$(B)/obj/asan/%.o)
	@gcc $(ASAN_CFLAGS) -o $@ $^ -lcrypto

# Every edge of the control flow counts: tests/work.
COUNT := -fsanitize-coverage=trace-pc
$(B)/obj/work/tests/work/counter.o: COUNT :=
$(B)/obj/work/%.o: %.c
	@mkdir -p $(@D)
	@gcc $(BASE_CFLAGS) -Wno-format-truncation -O1 $(COUNT) -MMD -MP -c $< -o $@

$(B)/unit-work: $(WORK:%.c=$(B)/obj/work/%.o)
	@gcc -o $@ $^

# A parser that was taken over: tests/tpm/test_explain.c.
UNIT_TPM_WRAP := -Wl,--wrap=eventlog_parse

$(B)/unit-tpm: $(UNIT_TPM:%.c=$(B)/obj/asan/%.o)
	@gcc $(ASAN_CFLAGS) $(UNIT_TPM_WRAP) -o $@ $^ -ltss2-esys -ltss2-sys -ltss2-mu -ltss2-tcti-device -lcrypto -largon2

$(B)/unit-tpm-static: $(UNIT_TPM:%.c=$(B)/obj/init/%.o) $(B)/obj/init/images/sysroot/without.o
	@$(SYSROOT_CC) $(SYSROOT_LDFLAGS) $(ONE_CONTEXT) $(UNIT_TPM_WRAP) -o $@ $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group

# A disk that turns between two reads, below libcryptsetup as it is in /init.
$(B)/unit-luks: $(UNIT_LUKS:%.c=$(B)/obj/init/%.o) $(B)/obj/init/images/sysroot/without.o
	@$(SYSROOT_CC) $(INIT_LDFLAGS) -Wl,--wrap=fs_pread -o $@ $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group

# Tries to unseal from within the recovery shell: a test's tool.
$(B)/unseal: $(patsubst %.c,$(B)/obj/init/%.o,$(CORE) modules/sandbox.c $(wildcard modules/tpm2*.c) tests/boot/unseal.c)
	@$(SYSROOT_CC) $(SYSROOT_LDFLAGS) -s -o $@ $^ \
		-Wl,--start-group $(SYSROOT_LIBS_INIT) -Wl,--end-group

$(B)/unit-static: $(UNIT:%.c=$(B)/obj/init/%.o) $(B)/obj/init/images/sysroot/without.o
	@$(SYSROOT_CC) $(SYSROOT_LDFLAGS) -o $@ $^ -lcrypto

$(B)/obj/fuzz/%.o: %.c
	@mkdir -p $(@D)
	@clang $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

.PRECIOUS: $(B)/obj/fuzz/%.o
$(B)/fuzz/pe: $(B)/obj/fuzz/images/pe.o
$(B)/fuzz/%: $(B)/obj/fuzz/tests/fuzz/fuzz_%.o $(B)/obj/fuzz/tests/unit/gpt_build.o \
		$(CORE:%.c=$(B)/obj/fuzz/%.o)
	@mkdir -p $(@D)
	@clang $(FUZZ_CFLAGS) -o $@ $^

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# --- the two commands and their parts --------------------------------------------------------------

run:
	@images/setup build images boot
	@$(MAKE) all
	@images/run

check:
	@tests/check

unit:
	@images/setup build unit
	@$(MAKE) $(B)/unit $(B)/unit-static $(B)/unit-tpm $(B)/unit-tpm-static $(B)/unit-work $(B)/unit-luks $(B)/lintel
	@tests/unit/run

lint:
	@images/setup build unit lint
	@$(MAKE) all
	@tests/lint

flips:
	@images/setup build unit images
	@$(MAKE) $(B)/flips $(B)/init
	@tests/boot/series flips 10000

fuzz:
	@images/setup unit
	@$(MAKE) $(FUZZERS:%=$(B)/fuzz/%)
	@tests/fuzz/run $(SECONDS) $(FUZZERS)

boot attack:
	@images/setup build unit images boot
	@$(MAKE) all
	@$(if $(PEER),tests/boot/peer.py $(PEER),tests/boot/run --suite $@) $(CASE)

size:
	@images/setup build images
	@$(MAKE) all
	@images/tree tools root-trixie
	@tests/bench/size

speed:
	@images/setup build images boot
	@$(MAKE) all
	@images/tree tools root-trixie
	@tests/bench/regress

bench:
	@images/setup build images boot
	@$(MAKE) all
	@images/tree tools root-trixie
	@tests/bench/run $(BENCH)
	@tests/bench/extensions

clean:
	rm -rf $(B)/obj $(B)/init* $(B)/lintel $(B)/unit* $(B)/fuzz $(B)/sample $(B)/bench
