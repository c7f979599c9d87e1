/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/dps.h"
#include "generators/sources/dps-types.h"
#include "init/base/attr.h"

/* A UUID's groups as its 16 bytes, in text order. */
#define BYTES2(x) (uint8_t)((x) >> 8), (uint8_t)(x)
#define BYTES4(x) BYTES2((x) >> 16), BYTES2(x)
#define BYTES6(x) BYTES2((x) >> 32), BYTES4(x)
#define BYTES16(g1, g2, g3, g4, g5) BYTES4(g1), BYTES2(g2), BYTES2(g3), BYTES2(g4), BYTES6(g5)

#define NAME_ROOT(arch) "root-" arch
#define NAME_ROOT_VERITY(arch) "root-" arch "-verity"
#define NAME_ROOT_VERITY_SIG(arch) "root-" arch "-verity-sig"
#define NAME_USR(arch) "usr-" arch
#define NAME_USR_VERITY(arch) "usr-" arch "-verity"
#define NAME_USR_VERITY_SIG(arch) "usr-" arch "-verity-sig"

/* clang-format off: it indents the second list */
static const struct dps_type types[] = {
#define X(part, arch, ...) { { { BYTES16(__VA_ARGS__) } }, PART_##part, arch, NAME_##part(arch) },
	DPS_ARCH_TYPES(X)
#undef X
#define X(part, name, ...) { { { BYTES16(__VA_ARGS__) } }, PART_##part, NULL, name },
		DPS_TYPES(X)
#undef X
};
/* clang-format on */

const struct dps_type *dps_find(const struct uuid *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (uuid_equal(&types[i].type, type))
			return &types[i];
	return NULL;
}

const char *dps_native_arch(void)
{
#if defined(__x86_64__)
	return "x86-64";
#elif defined(__i386__)
	return "x86";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__arm__)
	return "arm";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__riscv)
	return "riscv32";
#elif defined(__loongarch64)
	return "loongarch64";
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "ppc64-le";
#elif defined(__powerpc64__)
	return "ppc64";
#elif defined(__powerpc__)
	return "ppc";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__mips64) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "mips64-le";
#elif defined(__mips64)
	return "mips64";
#elif defined(__mips__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "mips-le";
#elif defined(__mips__)
	return "mips";
#elif defined(__alpha__)
	return "alpha";
#elif defined(__arc__)
	return "arc";
#elif defined(__ia64__)
	return "ia64";
#elif defined(__m68k__)
	return "m68k";
#elif defined(__hppa__)
	return "parisc";
#elif defined(__sh__)
	return "sh4";
#elif defined(__sparc__) && defined(__arch64__)
	return "sparc64";
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "the Discoverable Partitions Specification has no types for this architecture"
#endif
}
