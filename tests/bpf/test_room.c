// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What fits and what does not, and that it is told before anything is written. Memory that is short
 * for real: in a memory cgroup with a limit.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/bpf/rig.h"
#include "tests/skip.h"
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

#define PINS "/sys/fs/bpf/seine-test-room"
#define A_BASE 0x0a000000u /* 10.0.0.0 */
#define B_BASE 0x10000000u

static struct seine_entry row_of(enum seine_action action)
{
	return (struct seine_entry){ .action = action,
				     .origin = SEINE_OPERATOR,
				     .rate_pps = action == SEINE_LIMIT,
				     .actor = SEINE_NO_ACTOR };
}

static void add_v4(struct entries *e, uint32_t ip, enum seine_action action)
{
	struct entry entry = { .prefix.ip = { [10] = 0xff,
					      0xff,
					      ip >> 24,
					      (uint8_t)(ip >> 16),
					      (uint8_t)(ip >> 8),
					      (uint8_t)ip },
			       .prefix.len = 128,
			       .row = row_of(action) };

	assert_int_equal(entries_append(e, &entry), 0);
}

/* n addresses from `base` on. */
static struct entries *list_of(uint32_t base, uint32_t n)
{
	struct entries *e = NULL;

	assert_int_equal(entries_new(n + 1, &e), 0);
	for (uint32_t i = 0; i < n; i++)
		add_v4(e, base + i, SEINE_DROP);
	return e;
}

static void apply(struct datapath *d, const struct entries *e)
{
	char why[DATAPATH_WHY];

	if (datapath_apply(d, e, why) < 0)
		fail_msg("%s", why);
}

static size_t uncounted(struct datapath *d, const struct entries *e)
{
	char why[DATAPATH_WHY];
	size_t n = 0;

	if (datapath_fits(d, e, why, &n) < 0)
		fail_msg("%s", why);
	return n;
}

static void assert_refused(struct datapath *d, const struct entries *e, int r, const char *reason)
{
	char why[DATAPATH_WHY] = "";
	size_t n;

	assert_int_equal(datapath_fits(d, e, why, &n), r);
	if (!strstr(why, reason))
		fail_msg("\"%s\" does not say \"%s\"", why, reason);
}

static uint32_t verdict(struct datapath *d, uint32_t ip)
{
	const uint8_t bytes[16] = { [10] = 0xff,	0xff,	    ip >> 24, (uint8_t)(ip >> 16),
				    (uint8_t)(ip >> 8), (uint8_t)ip };

	return rig_syn(d, bytes, 1);
}

static struct datapath_room room(struct datapath *d)
{
	struct datapath_room room;
	struct entries *held = NULL;

	assert_int_equal(datapath_lists(d, &held), 0);
	datapath_room(d, held, 0, &room);
	entries_free(held);
	return room;
}

/* ---- lists ---- */

static void what_cannot_fit(void **state)
{
	struct entries *e = list_of(A_BASE, 1), many = { .list = e->list, .n = LIST_MAX + 1 };
	uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	assert_refused(*state, &many, -E2BIG, "at most 1048576");
	for (unsigned int len = 32; len <= 32 + SEINE_V6_LENGTHS; len++) {
		struct entry entry = { .prefix = prefix_of(ip, len), .row = row_of(SEINE_DROP) };

		assert_int_equal(entries_append(e, &entry), 0);
	}
	assert_refused(*state, e, -E2BIG, "32 different IPv6 prefix lengths");
	e->n = 2;
	e->list[1].prefix.len = 4;
	assert_refused(*state, e, -EINVAL, "too wide");
	entries_free(e);
}

/* Row 0 belongs to nobody, hence one less than there are. */
static void entries_without_a_row(void **state)
{
	struct entries *a = list_of(A_BASE, RIG_SLOTS + 99), *b = list_of(B_BASE, 100), *few;
	struct datapath *d = *state;
	char why[DATAPATH_WHY];
	struct datapath_room r;

	apply(d, &(struct entries){ 0 });
	assert_int_equal(uncounted(d, a), 100);
	apply(d, a);
	r = room(d);
	assert_int_equal(r.entries, a->n);
	assert_int_equal(r.uncounted, 100);
	assert_true(datapath_room_short(&r, why));
	assert_non_null(strstr(why, "hits of 100 entries"));
	assert_int_equal(uncounted(d, a), 100);

	/* All rows are taken until the list in force has gone. */
	assert_int_equal(uncounted(d, b), 100);

	/* Those that found none get one as soon as one is free. */
	few = list_of(A_BASE + 100, RIG_SLOTS - 1);
	apply(d, few);
	assert_int_equal(room(d).uncounted, 100);
	assert_int_equal(uncounted(d, few), 0);
	apply(d, few);
	r = room(d);
	assert_int_equal(r.uncounted, 0);
	assert_false(datapath_room_short(&r, why));
	entries_free(a);
	entries_free(b);
	entries_free(few);
}

static void rates_come_first(void **state)
{
	struct entries *a = list_of(A_BASE, RIG_SLOTS + 99);
	struct datapath *d = *state;
	struct datapath_room r;
	char why[DATAPATH_WHY];

	apply(d, &(struct entries){ 0 });
	add_v4(a, B_BASE, SEINE_LIMIT);
	assert_int_equal(uncounted(d, a), 101);
	apply(d, a);
	assert_int_equal(verdict(d, B_BASE), XDP_PASS);
	assert_int_equal(verdict(d, B_BASE), XDP_DROP);
	assert_int_equal(room(d).unlimited, 0);

	/* One more finds none. Brought into force all the same it limits nothing, and that is told.
	 */
	add_v4(a, B_BASE + 1, SEINE_LIMIT);
	assert_refused(d, a, -ENOSPC, "1 entries with a rate");
	apply(d, a);
	assert_int_equal(verdict(d, B_BASE + 1), XDP_PASS);
	assert_int_equal(verdict(d, B_BASE + 1), XDP_PASS);
	r = room(d);
	assert_int_equal(r.unlimited, 1);
	assert_true(datapath_room_short(&r, why));
	assert_non_null(strstr(why, "limit nothing"));
	entries_free(a);
}

static uint32_t active(struct datapath *d)
{
	uint32_t zero = 0, word = 99;

	assert_int_equal(bpf_map_lookup_elem(datapath_map_fd(d, "seine_active"), &zero, &word), 0);
	return word;
}

static void asking_writes_nothing(void **state)
{
	struct entries *a = list_of(A_BASE, 10), *b = list_of(B_BASE, 10);
	struct datapath *d = *state;
	struct seine_hit hit;
	uint32_t before;

	apply(d, &(struct entries){ 0 });
	apply(d, a);
	before = active(d);
	verdict(d, A_BASE);
	assert_int_equal(uncounted(d, b), 0);
	assert_int_equal(active(d), before);
	assert_int_equal(verdict(d, A_BASE), XDP_DROP);
	assert_int_equal(verdict(d, B_BASE), XDP_PASS);
	assert_true(datapath_apply_slots(d, a, (char[DATAPATH_WHY]){ 0 }) >= 0);
	assert_int_equal(datapath_hits(d, a->list[0].row.slot, &hit), 0);
	assert_int_equal(hit.packets, 2);
	entries_free(a);
	entries_free(b);
}

static void list_in_force_is_left_alone(void **state)
{
	struct entries *a = list_of(A_BASE, 10), *held = NULL;
	struct datapath *d = *state;
	struct seine_prefix key = { .ip = { [10] = 0xff, 0xff, 99, 9, 9, 9 }, .len = 32 };
	struct seine_entry row = { .action = SEINE_DROP };
	uint32_t before;

	apply(d, a);
	before = active(d);
	apply(d, a);
	assert_int_equal(active(d), before);

	/* One entry written by hand is in the table and not yet in the bitmap: that is not in
	 * force. */
	assert_int_equal(bpf_map_update_elem(d->list[before], &key, &row, BPF_ANY), 0);
	assert_int_equal(datapath_lists(d, &held), 0);
	assert_int_equal(held->n, 11);
	apply(d, held);
	assert_int_not_equal(active(d), before);
	assert_int_equal(verdict(d, 0x63090909), XDP_DROP);
	before = active(d);

	/* Anything that a packet or a person would notice is a change. */
	held->list[0].row.note[0] = 'x';
	apply(d, held);
	assert_int_not_equal(active(d), before);
	entries_free(held);
	entries_free(a);
}

static void slots_are_told(void **state)
{
	struct entries *a = list_of(A_BASE, 1000), *held = NULL;
	struct datapath *d = *state;
	char why[DATAPATH_WHY];

	assert_true(datapath_apply_slots(d, a, why) >= 0);
	assert_int_equal(datapath_lists(d, &held), 0);
	assert_int_equal(held->n, a->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(prefix_compare(&a->list[i].prefix, &held->list[i].prefix), 0);
		assert_memory_equal(&a->list[i].row, &held->list[i].row, sizeof(a->list[i].row));
		assert_int_not_equal(a->list[i].row.slot, 0);
	}
	entries_free(a);
	entries_free(held);
}

static void reused_row_begins_at_zero(void **state)
{
	struct entries *a = list_of(A_BASE, RIG_SLOTS / 2), *b = list_of(B_BASE, RIG_SLOTS / 2 - 1);
	struct datapath *d = *state;
	char why[DATAPATH_WHY];

	apply(d, &(struct entries){ 0 });
	assert_true(datapath_apply_slots(d, a, why) >= 0);
	for (uint32_t i = 0; i < a->n; i += 100)
		verdict(d, A_BASE + i);
	apply(d, b); /* takes the other half of the rows, so that the next list gets those of `a` */
	for (size_t i = 0; i < a->n; i++)
		a->list[i].prefix.ip[12] = 77;
	assert_true(datapath_apply_slots(d, a, why) >= 0);
	for (size_t i = 0; i < a->n; i++) {
		struct seine_hit hit;

		assert_int_not_equal(a->list[i].row.slot, 0);
		assert_int_equal(datapath_hits(d, a->list[i].row.slot, &hit), 0);
		assert_int_equal(hit.packets, 0);
	}
	entries_free(a);
	entries_free(b);
}

static uint32_t rows_of(struct datapath *d, uint32_t generation)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(d->list[generation], &info, &len), 0);
	return info.max_entries;
}

static void large_list_gives_its_memory_back(void **state)
{
	struct entries *e = list_of(A_BASE, 70000), *small = list_of(A_BASE, 10);
	struct datapath *d = *state;

	apply(d, e);
	assert_in_range(rows_of(d, active(d)), 70000, 140000);
	apply(d, small);
	assert_in_range(rows_of(d, !active(d)), 1, 1000);
	assert_int_equal(verdict(d, A_BASE + 9), XDP_DROP);
	assert_int_equal(verdict(d, A_BASE + 10), XDP_PASS);
	entries_free(e);
	entries_free(small);
}

/* ---- the allow list ---- */

static struct allow_entry allow_of(uint8_t last)
{
	return (struct allow_entry){ .prefix.ip = { [10] = 0xff, 0xff, 192, 0, 2, last },
				     .prefix.len = 128 };
}

static void full_allow_list(void **state)
{
	struct allow_entry list[65];
	struct datapath *d = *state;
	struct datapath_room r;
	char why[DATAPATH_WHY];

	for (uint8_t i = 0; i < ARRAY_LEN(list); i++)
		list[i] = allow_of(i);
	assert_int_equal(datapath_allow_fits(d, list, 64, why), 0);
	assert_int_equal(datapath_allow_fits(d, list, 65, why), -ENOSPC);
	assert_non_null(strstr(why, "room for 64 entries, holds 0, and 65 more do not fit"));
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(datapath_allow_put(d, &list[i]), 0);

	/* What it holds already may be written again. */
	assert_int_equal(datapath_allow_fits(d, list, 64, why), 0);
	assert_int_equal(datapath_allow_put(d, &list[5]), 0);
	assert_int_equal(datapath_allow_fits(d, &list[64], 1, why), -ENOSPC);
	assert_int_equal(datapath_allow_put(d, &list[64]), -ENOSPC);
	datapath_room(d, &(struct entries){ 0 }, 64, &r);
	assert_true(datapath_room_short(&r, why));
	assert_string_equal(why, "the allow list is full (64 entries)");
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(datapath_allow_remove(d, &list[i].prefix), 0);
}

/* ---- memory ---- */

#define CGROUP "/sys/fs/cgroup/memory/seine-test-room"
#define HEADROOM (12ul << 20) /* for the process itself; the list takes 18 MB */
#define LARGE 100000
#define RELIEF_US 20000 /* the kernel itself tries for some milliseconds before it refuses */

static bool write_text(const char *path, const char *format, unsigned long value)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[32];
	int n = snprintf(text, sizeof(text), format, value);

	return fd >= 0 && write(fd, text, (size_t)n) == n;
}

static unsigned long read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long n = 0;

	if (f && fscanf(f, "%lu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

static bool limit_memory(unsigned long bytes)
{
	return write_text(CGROUP "/memory.limit_in_bytes", "%lu", bytes);
}

enum { CHILD_OK, CHILD_CGROUP, CHILD_NOT_REFUSED, CHILD_CHANGED, CHILD_SILENT, CHILD_NO_RETRY };

/* In the group: the list is refused and the old one stays; where memory comes back in time it is
 * not refused at all. `told` says when the second part begins. */
static int in_the_group(struct datapath *d, const struct entries *large, int told)
{
	char why[DATAPATH_WHY] = "";

	if (!write_text(CGROUP "/cgroup.procs", "%lu", (unsigned long)getpid()) ||
	    !limit_memory(read_number(CGROUP "/memory.usage_in_bytes") + HEADROOM))
		return CHILD_CGROUP;
	if (datapath_apply(d, large, why) != -ENOMEM)
		return CHILD_NOT_REFUSED;
	if (verdict(d, A_BASE) != XDP_PASS || verdict(d, B_BASE) != XDP_DROP)
		return CHILD_CHANGED;
	if (!strstr(why, "no memory for a drop list of 100000 entries; the old one stays in force"))
		return CHILD_SILENT;
	if (write(told, "", 1) != 1 || read(told, why, 1) != 1)
		return CHILD_CGROUP;
	if (datapath_apply(d, large, why) != 0)
		return CHILD_NO_RETRY;
	return verdict(d, A_BASE) == XDP_DROP ? CHILD_OK : CHILD_CHANGED;
}

/* Gives memory some time after it was refused. Not from within the group: whoever touches a page
 * there at that moment is killed. */
static void relieve(int child)
{
	unsigned long refused;
	char byte;

	if (read(child, &byte, 1) != 1)
		return;
	refused = read_number(CGROUP "/memory.failcnt");
	if (write(child, &byte, 1) != 1)
		return;
	for (int i = 0; i < 5000 && read_number(CGROUP "/memory.failcnt") == refused; i++)
		usleep(1000);
	usleep(RELIEF_US);
	(void)limit_memory(1ul << 30);
}

/* The last test: the lists that the child leaves are not those that we have open. */
static void memory_is_short(void **state)
{
	struct entries *large = list_of(A_BASE, LARGE), *small = list_of(B_BASE, 10);
	struct datapath *d = *state;
	int status, pair[2];
	pid_t child;

	if (mkdir(CGROUP, 0700) < 0 && errno != EEXIST)
		skip_because("no memory cgroup (version 1) to limit memory in");
	apply(d, small);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	child = fork();
	if (!child)
		_exit(in_the_group(d, large, pair[1]));
	close(pair[1]);
	relieve(pair[0]);
	close(pair[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	rmdir(CGROUP);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CHILD_OK);
	entries_free(large);
	entries_free(small);
}

static int setup(void **state)
{
	struct datapath *d = rig_open(PINS);

	rig_enforce(d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state, PINS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_fit),
		cmocka_unit_test(entries_without_a_row),
		cmocka_unit_test(rates_come_first),
		cmocka_unit_test(asking_writes_nothing),
		cmocka_unit_test(list_in_force_is_left_alone),
		cmocka_unit_test(slots_are_told),
		cmocka_unit_test(reused_row_begins_at_zero),
		cmocka_unit_test(large_list_gives_its_memory_back),
		cmocka_unit_test(full_allow_list),
		cmocka_unit_test(memory_is_short),
	};

	return cmocka_run_group_tests_name("room", tests, setup, teardown);
}
