/*
 * A plugin for QEMU's translator: how many instructions a guest of one processor executes, how many system
 * calls, and how many of those start a process or thread, from the first system call of all (/init's) to
 * the mark that root-init.c runs first. No clock has a part in it but the guest's timers. Declared here is
 * what QEMU's docs/devel/tcg-plugins.rst promises: Debian has no package of its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "mark.h"

#define EXPORT __attribute__((visibility("default")))
#define NO_REGISTERS 0 /* QEMU_PLUGIN_CB_NO_REGS */

struct qemu_plugin_tb;
struct qemu_plugin_insn;

struct info { /* the head of qemu_info_t */
	const char *target;
	struct {
		int least, now;
	} version;
};

typedef uint64_t plugin_id;
typedef void (*translate_function)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*execute_function)(unsigned int processor, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translate_function function);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, execute_function function,
					  int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    execute_function function, int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
/* Up to version 2 it gives a pointer to the bytes, since version 3 (QEMU 9.1) it copies them. */
const void *point_at_data(const struct qemu_plugin_insn *insn) __asm__("qemu_plugin_insn_data");
size_t copy_data(const struct qemu_plugin_insn *insn, void *to,
		 size_t size) __asm__("qemu_plugin_insn_data");

/* Version 2 (QEMU 9.0) brought this, and is the oldest that such a QEMU takes. */
__attribute__((weak)) void *qemu_plugin_scoreboard_new(size_t size);

EXPORT int qemu_plugin_version;
EXPORT int qemu_plugin_install(plugin_id id, const struct info *info, int argc, char **argv);

static bool copies_data;
static uint64_t instructions, before, syscalls, forks;
static FILE *output;

__attribute__((constructor)) static void set_version(void)
{
	qemu_plugin_version = qemu_plugin_scoreboard_new ? 2 : 1;
}

static void count_block(unsigned int processor, void *data)
{
	(void)processor;
	instructions += (uintptr_t)data;
}

static void count_syscall(unsigned int processor, void *starts)
{
	(void)processor;
	if (syscalls++ == 0)
		before = instructions;
	forks += starts != NULL;
}

static void tell(unsigned int processor, void *data)
{
	(void)processor, (void)data;
	fprintf(output, "instructions=%" PRIu64 " syscalls=%" PRIu64 " forks=%" PRIu64 "\n",
		instructions - before, syscalls, forks);
	fflush(output);
}

/* An instruction's bytes; how many. */
static size_t read_instruction(const struct qemu_plugin_insn *insn, uint8_t bytes[16])
{
	size_t size = qemu_plugin_insn_size(insn);

	if (size > 16)
		return 0;
	if (copies_data)
		return copy_data(insn, bytes, size);
	memcpy(bytes, point_at_data(insn), size);
	return size;
}

/* The number that "mov $number, %eax" (or %al) loads, where an instruction is that; else the one before. */
static uint32_t loaded(const uint8_t *bytes, size_t size, uint32_t number)
{
	if (size == 5 && bytes[0] == 0xb8)
		memcpy(&number, bytes + 1, sizeof(number));
	else if (size == 2 && bytes[0] == 0xb0)
		number = bytes[1];
	return number;
}

static bool starts_task(uint32_t number)
{
	return number == SYS_clone || number == SYS_clone3 || number == SYS_fork ||
	       number == SYS_vfork;
}

/*
 * A block that a fault leaves early is counted whole: too rarely to matter, and alike for everybody. Libraries
 * load the number of such a call as a constant, a few instructions before it.
 */
static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	static const uint8_t syscall[] = { 0x0f, 0x05 }, mark[] = { MARK_BYTES };
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint32_t number = UINT32_MAX;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count_block, NO_REGISTERS, (void *)(uintptr_t)n);
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t bytes[16];
		size_t size = read_instruction(insn, bytes);

		number = loaded(bytes, size, number);
		if (size == sizeof(syscall) && !memcmp(bytes, syscall, size))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, count_syscall, NO_REGISTERS,
							       starts_task(number) ? &forks : NULL);
		else if (size == sizeof(mark) && !memcmp(bytes, mark, size))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, tell, NO_REGISTERS, NULL);
	}
}

int qemu_plugin_install(plugin_id id, const struct info *info, int argc, char **argv)
{
	copies_data = info->version.now >= 3;
	if (argc != 1 || strncmp(argv[0], "output=", 7))
		return -1;
	output = fopen(argv[0] + 7, "w");
	if (!output)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
