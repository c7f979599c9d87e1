/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generators/sources/sources.h"
#include "tests/unit/machine.h"
#include "tests/unit/test.h"

#include <errno.h>

#define VDA "/devices/pci0000:00/0000:00:02.0/virtio0/block/vda"
#define DISK                                                                                       \
	"add@" VDA "|ACTION=add|DEVPATH=" VDA "|SUBSYSTEM=block|MAJOR=254|MINOR=0|DEVNAME=vda|"    \
	"DEVTYPE=disk|DISKSEQ=9|SEQNUM=1234|"
#define ALIAS "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00"

/* Turns '|' into NULs and parses a copy that ends with the message. */
static int parse(const char *text, struct facts *facts)
{
	struct err err = { .code = E_NONE };
	size_t size = strlen(text);
	_free_ char *message = malloc(size + 1);

	memcpy(message, text, size + 1);
	for (size_t i = 0; i < size; i++)
		if (message[i] == '|')
			message[i] = '\0';
	message = realloc(message, size ? size : 1);
	return uevent_parse(message, size, facts, &err);
}

/* want: "" where the message is no event. */
static void check_event(const char *text, const char *want)
{
	struct facts *facts = facts_empty();

	CHECK_INT(parse(text, facts), want[0] ? 1 : 0);
	CHECK_STR(facts_text(facts), want);
	if (strcmp(facts_text(facts), want) != 0)
		fprintf(stderr, "after %s\n", text);
}

TEST(uevent_block)
{
	struct facts *facts = facts_empty();

	check_event(DISK, "block vda devtype=disk dev=254:0 diskseq=9\n");
	check_event("change@" VDA "|ACTION=change|DEVPATH=" VDA
		    "|SUBSYSTEM=block|MAJOR=254|MINOR=0|"
		    "DEVNAME=vda|DEVTYPE=disk|",
		    "block vda devtype=disk dev=254:0\n");
	check_event("remove@" VDA "|ACTION=remove|DEVPATH=" VDA
		    "|SUBSYSTEM=block|MAJOR=254|MINOR=0|"
		    "DEVNAME=vda|DEVTYPE=disk|DISKSEQ=9|",
		    "gone vda\n");
	check_event("add@" VDA "/vda2|ACTION=add|DEVPATH=" VDA "/vda2|SUBSYSTEM=block|MAJOR=254|"
		    "MINOR=2|DEVNAME=vda2|DEVTYPE=partition|DISKSEQ=9|PARTN=2|PARTNAME=root|",
		    "block vda2 devtype=partition dev=254:2 disk=vda partn=2 diskseq=9\n");
	check_event("add@/d/nvme0n1/nvme0n1p15|ACTION=add|DEVPATH=/d/nvme0n1/nvme0n1p15|"
		    "SUBSYSTEM=block|MAJOR=259|MINOR=1048575|DEVNAME=nvme0n1p15|"
		    "DEVTYPE=partition|PARTN=15|",
		    "block nvme0n1p15 devtype=partition dev=259:1048575 disk=nvme0n1 partn=15\n");
	/* dm, md, sr and all else are for the rules to judge */
	check_event("add@/d/dm-0|ACTION=add|DEVPATH=/d/dm-0|SUBSYSTEM=block|MAJOR=253|MINOR=0|"
		    "DEVNAME=dm-0|DEVTYPE=disk|",
		    "block dm-0 devtype=disk dev=253:0\n");

	CHECK_INT(parse(DISK, facts), 1);
	CHECK_STR(facts->list[0].origin, "uevent");
	CHECK(facts->list[0].usec > 0);
}

/* Twice the same is one; a new medium or number is another. */
TEST(uevent_duplicates)
{
	static const char again[] =
		"change@" VDA "|ACTION=change|DEVPATH=" VDA "|SUBSYSTEM=block|MAJOR=254|MINOR=0|"
		"DEVNAME=vda|DEVTYPE=disk|DISKSEQ=9|";
	static const char newer[] =
		"change@" VDA "|ACTION=change|DEVPATH=" VDA "|SUBSYSTEM=block|MAJOR=254|MINOR=0|"
		"DEVNAME=vda|DEVTYPE=disk|DISKSEQ=10|";
	static const char gone[] =
		"remove@" VDA "|ACTION=remove|DEVPATH=" VDA "|SUBSYSTEM=block|MAJOR=254|MINOR=0|"
		"DEVNAME=vda|DEVTYPE=disk|";
	static const char alias[] = "add@/a|ACTION=add|DEVPATH=/a|MODALIAS=" ALIAS "|";
	static const char other[] = "add@/b|ACTION=add|DEVPATH=/b|MODALIAS=" ALIAS "|SUBSYSTEM=x|";
	struct facts *facts = facts_empty();

	CHECK_INT(parse(DISK, facts), 1);
	CHECK_INT(parse(DISK, facts), 0);
	CHECK_INT(parse(again, facts), 0);
	CHECK_INT(parse(newer, facts), 1);
	CHECK_INT(parse(again, facts), 0);
	CHECK_INT(parse(gone, facts), 1);
	CHECK_INT(parse(gone, facts), 0);
	CHECK_INT(parse(alias, facts), 1);
	CHECK_INT(parse(other, facts), 0);
	CHECK_INT(facts->n, 4);
}

TEST(uevent_alias)
{
	check_event("add@/a|ACTION=add|DEVPATH=/a|SUBSYSTEM=pci|MODALIAS=" ALIAS "|",
		    "device " ALIAS " modalias=" ALIAS "\n");
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS=acpi:MSFT0101:|",
		    "device acpi:MSFT0101: modalias=acpi:MSFT0101:\n");
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS=of:NtpmT(null)Ca b%|",
		    "device of:NtpmT(null)Ca%20b%25 modalias=of:NtpmT(null)Ca%20b%25\n");
	/* 95 bytes are a name; 96 are not, nor is one without ':' */
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS="
		    "usb:45678901234567890123456789012345678901234567890123456789012345678901234567"
		    "89012345678901234|",
		    "device "
		    "usb:45678901234567890123456789012345678901234567890123456789012345678901234567"
		    "89012345678901234 modalias="
		    "usb:45678901234567890123456789012345678901234567890123456789012345678901234567"
		    "89012345678901234\n");
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS="
		    "usb:45678901234567890123456789012345678901234567890123456789012345678901234567"
		    "890123456789012345|",
		    "device h:63d02aa41984dd05 modalias="
		    "usb:45678901234567890123456789012345678901234567890123456789012345678901234567"
		    "890123456789012345\n");
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS=a|",
		    "device h:af63dc4c8601ec8c modalias=a\n"); /* FNV-1a's own test vector */
	/* none */
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS=cpu:type:x86|", "");
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS=dmi:bvnX:|", "");
	check_event("add@/a|ACTION=add|DEVPATH=/a|MODALIAS=|", "");
	check_event("add@/a|ACTION=add|DEVPATH=/a|SUBSYSTEM=pci|", "");
	check_event("change@/a|ACTION=change|DEVPATH=/a|MODALIAS=" ALIAS "|", "");
	check_event("remove@/a|ACTION=remove|DEVPATH=/a|MODALIAS=" ALIAS "|", "");
	check_event("bind@/a|ACTION=bind|DEVPATH=/a|MODALIAS=" ALIAS "|", "");
	check_event("add@/a|ACTION=add|DEVPATH=/a|XMODALIAS=" ALIAS "|", "");
}

TEST(uevent_alias_long)
{
	char text[1024] = "add@/a|ACTION=add|DEVPATH=/a|MODALIAS=usb:";
	size_t start = strlen(text);
	struct facts *facts = facts_empty();

	memset(text + start, 'x', 626);
	strcpy(text + start + 626, "|");
	CHECK_INT(parse(text, facts), 1);
	strcpy(text + start + 626, "x|");
	CHECK_INT(parse(text, facts), 0);
	CHECK_INT(facts->n, 1);
}

TEST(uevent_tpm)
{
#define TPM "@/d/tpmrm0|ACTION=add|DEVPATH=/d/tpmrm0|SUBSYSTEM=tpmrm|"
	check_event("add" TPM "MAJOR=252|MINOR=65536|DEVNAME=tpmrm0|",
		    "tpm tpmrm0 dev=252:65536\n");
	check_event("add" TPM "MAJOR=252|DEVNAME=tpmrm0|", "");
	check_event("add" TPM "MAJOR=252|MINOR=65536|", "");
	check_event("add" TPM "MAJOR=252|MINOR=65536|DEVNAME=../x|", "");
	check_event("change@/d/tpmrm0|ACTION=change|DEVPATH=/d/tpmrm0|SUBSYSTEM=tpmrm|MAJOR=252|"
		    "MINOR=65536|DEVNAME=tpmrm0|",
		    "");
}

/* A block device of which one value is not as the kernel would say it. */
TEST(uevent_block_malformed)
{
	static const struct {
		const char *name, *path, *rest;
	} rows[] = {
		{ "ram0", "/d/ram0", "MAJOR=1|MINOR=0|DEVTYPE=disk|" },
		{ "zram0", "/d/zram0", "MAJOR=1|MINOR=0|DEVTYPE=disk|" },
		{ "loop0", "/d/loop0", "MAJOR=7|MINOR=0|DEVTYPE=disk|" },
		{ "loop0p1", "/d/loop0/loop0p1", "MAJOR=7|MINOR=1|DEVTYPE=partition|PARTN=1|" },
		{ "vda", "/d/vda", "MAJOR=254|MINOR=0|" },
		{ "vda", "/d/vda", "MAJOR=254|MINOR=0|DEVTYPE=disks|" },
		{ "vda", "/d/vda", "MINOR=0|DEVTYPE=disk|" },
		{ "vda", "/d/vda", "MAJOR=254|DEVTYPE=disk|" },
		{ "vda", "/d/vda", "MAJOR=4096|MINOR=0|DEVTYPE=disk|" },
		{ "vda", "/d/vda", "MAJOR=254|MINOR=1048576|DEVTYPE=disk|" },
		{ "vda", "/d/vda", "MAJOR=0xfe|MINOR=0|DEVTYPE=disk|" },
		{ "vda", "/d/vda", "MAJOR=|MINOR=0|DEVTYPE=disk|" },
		{ "vda", "/d/vda", "MAJOR=254|MINOR=-1|DEVTYPE=disk|" },
		{ "vda", "/d/vda", "MAJOR=254|MINOR=0|DEVTYPE=disk|DISKSEQ=x|" },
		{ "vda", "/d/vdb", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "vda", "vda", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "cciss/c0d0", "/d/cciss!c0d0", "MAJOR=104|MINOR=0|DEVTYPE=disk|" },
		{ "../vda", "/d/vda", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "..", "/d/..", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "", "/d/", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "v a", "/d/v a", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "v\033a", "/d/v\033a", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "v\xc3\xa9", "/d/v\xc3\xa9", "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "v1234567890123456789012345678901", "/d/v1234567890123456789012345678901",
		  "MAJOR=254|MINOR=0|DEVTYPE=disk|" },
		{ "vda1", "/d/vda/vda1", "MAJOR=254|MINOR=1|DEVTYPE=partition|" },
		{ "vda1", "/d/vda/vda1", "MAJOR=254|MINOR=1|DEVTYPE=partition|PARTN=|" },
		{ "vda1", "/d/vda/vda1", "MAJOR=254|MINOR=1|DEVTYPE=partition|PARTN=0|" },
		{ "vda1", "/d/vda/vda1", "MAJOR=254|MINOR=1|DEVTYPE=partition|PARTN=4294967296|" },
		{ "vda1", "/vda1", "MAJOR=254|MINOR=1|DEVTYPE=partition|PARTN=1|" },
		{ "vda1", "/d//vda1", "MAJOR=254|MINOR=1|DEVTYPE=partition|PARTN=1|" },
		{ "vda1", "/d/v a/vda1", "MAJOR=254|MINOR=1|DEVTYPE=partition|PARTN=1|" },
		{ "vda1", "/d/v1234567890123456789012345678901/vda1",
		  "MAJOR=254|MINOR=1|DEVTYPE=partition|PARTN=1|" },
	};
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text),
			 "add@%s|ACTION=add|DEVPATH=%s|SUBSYSTEM=block|DEVNAME=%s|%s", rows[i].path,
			 rows[i].path, rows[i].name, rows[i].rest);
		check_event(text, "");
	}
	check_event("bind@/d/vda|ACTION=bind|DEVPATH=/d/vda|SUBSYSTEM=block|DEVNAME=vda|MAJOR=254|"
		    "MINOR=0|DEVTYPE=disk|",
		    "");
	/* one byte less than too long, and numbers with zeros in front */
	check_event("add@/d/v123456789012345678901234567890|ACTION=add|"
		    "DEVPATH=/d/v123456789012345678901234567890|SUBSYSTEM=block|"
		    "DEVNAME=v123456789012345678901234567890|MAJOR=08|MINOR=007|DEVTYPE=disk|",
		    "block v123456789012345678901234567890 devtype=disk dev=8:7\n");
}

TEST(uevent_message)
{
	static const char *const bad[] = {
		"",
		"|",
		"@|",
		"libudev|ACTION=add|DEVPATH=/a|MODALIAS=a:b|",
		"libudev|x@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b|",
		"add@/a|DEVPATH=/a|MODALIAS=a:b|",
		"add@/a|ACTION=add|MODALIAS=a:b|",
		"add@/a|ACTION=add|DEVPATH=/b|MODALIAS=a:b|",
		"add@/a|ACTION=add|DEVPATH=/a/|MODALIAS=a:b|",
		"add@/a/|ACTION=add|DEVPATH=/a|MODALIAS=a:b|",
		"ad@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b|",
		"addd@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b|",
		"change@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b|",
		"@/a|ACTION=|DEVPATH=/a|MODALIAS=a:b|",
		"grow@" VDA "|ACTION=grow|DEVPATH=" VDA "|SUBSYSTEM=block|MAJOR=254|MINOR=0|"
		"DEVNAME=vda|DEVTYPE=disk|",
		/* the end of the last string is missing */
		"add@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b",
		"add@/a",
		/* twice the same key */
		"add@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b|MODALIAS=a:c|",
		"add@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b|MODALIAS=a:b|",
		"add@/a|ACTION=add|ACTION=add|DEVPATH=/a|MODALIAS=a:b|",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		check_event(bad[i], "");
	check_event("add@/a@b|ACTION=add|DEVPATH=/a@b||x|MODALIAS=a:b|",
		    "device a:b modalias=a:b\n");
}

TEST(uevent_large)
{
	static char text[8194];
	struct facts *facts = facts_empty();

	memset(text, 'x', sizeof(text));
	memcpy(text, "add@/a|ACTION=add|DEVPATH=/a|MODALIAS=a:b|X=", 44);
	text[8191] = '|';
	text[8192] = '\0';
	CHECK_INT(parse(text, facts), 1);
	facts = facts_empty();
	text[8191] = 'x';
	text[8192] = '|';
	text[8193] = '\0';
	CHECK_INT(parse(text, facts), 0);
}

TEST(uevent_full)
{
	static const struct fact other = { .kind = FACT_GPT, .origin = "x", .subject = "vda" };
	struct facts *facts = facts_empty();
	struct err err;

	while (facts_add(facts, &other, &err) == 0)
		;
	CHECK_INT(parse(DISK, facts), -ENOSPC);
}
