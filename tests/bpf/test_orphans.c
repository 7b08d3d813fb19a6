// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What earlier versions leave: their program gives way in one step, then their maps go. What is in
 * use, or not ours, stays. And an agent that is started again and again leaves nothing.
 *
 * An earlier version is played by this one: its directory of pins gets an older number.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/bpf/rig.h"
#include "user/base/cleanup.h"

#define PINS "/sys/fs/bpf/seine-test-orphans"
#define RESTARTS 50
#define ODD_SOURCES 1031 /* by which our maps are told from those of others on this machine */

static const struct datapath_options options = {
	.pin_dir = PINS,
	.sizes = { .sources = ODD_SOURCES,
		   .nets = 1024,
		   .flows = 1024,
		   .half_open = 1024,
		   .hit_slots = 64,
		   .allows = 64 },
	.source_bits = 64,
};

static const char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), PINS "/%s", name);
	return path[turn];
}

static const char *ours(void)
{
	static char path[128];

	snprintf(path, sizeof(path), PINS "/%d", SEINE_ABI);
	return path;
}

static bool there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static struct datapath *open_one(void)
{
	struct datapath *d = NULL;
	char why[DATAPATH_WHY];

	if (datapath_open(&options, why, &d) < 0)
		fail_msg("%s", why);
	return d;
}

static void attach(struct datapath *d)
{
	char why[DATAPATH_WHY];

	if (datapath_attach(d, "so1", XDP_NATIVE, why) < 0)
		fail_msg("%s", why);
}

static uint32_t attached(struct datapath *d)
{
	enum datapath_xdp_mode mode;
	uint32_t id = 0;

	assert_int_equal(datapath_attached(d, "so1", &id, &mode), 0);
	return id;
}

static unsigned int collect(struct datapath *d)
{
	unsigned int n = 99;

	assert_int_equal(datapath_collect(d, &n), 0);
	return n;
}

/* An agent of an older version that has died: its program runs on, on maps of its own. */
static uint32_t leave_older(void)
{
	struct datapath *d = open_one();
	uint32_t id;

	attach(d);
	id = attached(d);
	datapath_close(d);
	assert_int_equal(rename(ours(), path_of("2")), 0);
	return id;
}

static void pin_map(const char *dir, const char *name)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "orphan", 4, 4, 1, NULL);
	char path[256];

	assert_true(fd >= 0);
	(void)mkdir(path_of(dir), 0700);
	snprintf(path, sizeof(path), "%s/%s", path_of(dir), name);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
}

/* Looks at the interface without a pause: it has a program at every moment. */
struct watch {
	int ifindex;
	bool stop;
	unsigned int looks, bare;
};

static void *watch_on(void *arg)
{
	struct watch *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		uint32_t id = 0;

		w->bare += bpf_xdp_query_id(w->ifindex, 0, &id) < 0 || !id;
		w->looks++;
	}
	return NULL;
}

static void attach_watched(struct datapath *d)
{
	struct watch w = { .ifindex = (int)if_nametoindex("so1") };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, watch_on, &w), 0);
	attach(d);
	__atomic_store_n(&w.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_true(w.looks > 0);
	assert_int_equal(w.bare, 0);
}

static void older_program_gives_way(void **state)
{
	uint32_t before = leave_older();
	struct datapath *d = open_one();

	(void)state;
	assert_int_equal(attached(d), before); /* an older one is ours too */
	attach_watched(d);
	assert_int_not_equal(attached(d), before);
	assert_true(there("2"));
	assert_int_equal(collect(d), 1);
	assert_false(there("2"));
	assert_int_equal(access(ours(), F_OK), 0);
	datapath_close(d);
}

static void what_runs_is_kept(void **state)
{
	uint32_t before = leave_older();
	struct datapath *d = open_one();

	(void)state;
	assert_int_equal(collect(d), 0);
	assert_true(there("2"));
	datapath_close(d);

	/* The next start finds it as it was. */
	d = open_one();
	assert_int_equal(attached(d), before);
	attach(d);
	assert_int_equal(collect(d), 1);
	datapath_close(d);
}

static void unfinished_goes(void **state)
{
	char stage[16], pin[32];
	struct datapath *d;

	(void)state;
	snprintf(stage, sizeof(stage), "%d_new", SEINE_ABI);
	snprintf(pin, sizeof(pin), "%d", SEINE_ABI);
	d = open_one();
	pin_map(stage, "seine_cfg");
	pin_map("1_new", "seine_ports");
	pin_map(pin, "seine_stage");
	assert_int_equal(collect(d), 2);
	assert_false(there(stage));
	assert_false(there("1_new"));
	snprintf(pin, sizeof(pin), "%d/seine_stage", SEINE_ABI);
	assert_false(there(pin));
	datapath_close(d);
}

static void not_ours_is_kept(void **state)
{
	static const char *const dirs[] = { "2", "02", "2x", "0", "-1", "99", "99_new", "other" };
	struct datapath *d = open_one();

	(void)state;
	pin_map(dirs[0], "something"); /* our name, but not our pins */
	for (size_t i = 1; i < ARRAY_LEN(dirs); i++)
		pin_map(dirs[i], "seine_cfg");
	assert_int_equal(collect(d), 0);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char path[256];

		assert_true(there(dirs[i]));
		snprintf(path, sizeof(path), "%s/%s", path_of(dirs[i]),
			 i ? "seine_cfg" : "something");
		unlink(path);
		rmdir(path_of(dirs[i]));
	}
	datapath_close(d);
}

static void only_who_has_the_lock(void **state)
{
	struct datapath *d = open_one(), *reader = NULL;
	char why[DATAPATH_WHY];
	unsigned int n;

	(void)state;
	assert_int_equal(datapath_open_pinned(PINS, why, &reader), 0);
	assert_int_equal(datapath_collect(reader, &n), -EBADF);
	datapath_close(reader);
	datapath_close(d);
}

/* ---- restarts ---- */

struct count {
	unsigned int maps, programs, descriptors, pins;
};

static unsigned int names_in(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static unsigned int programs_on(uint32_t map)
{
	unsigned int n = 0;
	uint32_t id = 0;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		_cleanup_(closep) int fd = bpf_prog_get_fd_by_id(id);
		uint32_t ids[64] = { 0 }, len;
		struct bpf_prog_info info = { .nr_map_ids = 64,
					      .map_ids = (uint64_t)(uintptr_t)ids };

		len = sizeof(info);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
			continue;
		for (uint32_t i = 0; i < info.nr_map_ids && i < 64; i++)
			n += ids[i] == map;
	}
	return n;
}

static unsigned int maps_of_sources(void)
{
	unsigned int n = 0;
	uint32_t id = 0;

	while (bpf_map_get_next_id(id, &id) == 0) {
		_cleanup_(closep) int fd = bpf_map_get_fd_by_id(id);
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);

		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
			n += info.max_entries == ODD_SOURCES;
	}
	return n;
}

static struct count count_all(void)
{
	struct datapath *d = NULL;
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	char why[DATAPATH_WHY];
	struct count c;

	assert_int_equal(datapath_open_pinned(PINS, why, &d), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(datapath_map_fd(d, "seine_cfg"), &info, &len), 0);
	c.programs = programs_on(info.id);
	c.maps = maps_of_sources();
	datapath_close(d);
	c.pins = names_in(ours()) + names_in(PINS);
	c.descriptors = names_in("/proc/self/fd");
	return c;
}

static void restart(void)
{
	static uint32_t turn;
	struct entry e = { .row = { .action = SEINE_DROP, .added_sec = ++turn } };
	struct entries list = { .n = 1, .list = &e };
	struct datapath *d = open_one();
	char why[DATAPATH_WHY];

	e.prefix = prefix_of((const uint8_t[16]){ [10] = 0xff, 0xff, 192, 0, 2, 7 }, 128);
	attach(d);
	collect(d);
	assert_int_equal(datapath_apply(d, &list, why), 0);
	datapath_close(d);
}

static void restarts_leave_nothing(void **state)
{
	struct count before, after;

	(void)state;
	restart();
	before = count_all();
	for (int i = 0; i < RESTARTS; i++)
		restart();
	after = count_all();
	print_message("# %u programs, %u maps of sources, %u descriptors, %u pins\n",
		      after.programs, after.maps, after.descriptors, after.pins);
	assert_int_equal(before.programs, 1);
	assert_int_equal(before.maps, 1);
	assert_memory_equal(&after, &before, sizeof(after));
}

static void remove_all(void)
{
	static const char *const dirs[] = { "2", "1_new" };

	(void)datapath_unpin(PINS);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char command[256];

		snprintf(command, sizeof(command), "rm -rf %s", path_of(dirs[i]));
		if (system(command) != 0)
			print_message("# %s is left\n", path_of(dirs[i]));
	}
}

static int setup(void **state)
{
	(void)state;
	remove_all();
	return unshare(CLONE_NEWNET) < 0 || system("ip link add so0 type veth peer name so1 && "
						   "ip link set so0 up && ip link set so1 up") != 0
		       ? -1
		       : 0;
}

/* Each test begins with a bare interface. */
static int bare(void **state)
{
	(void)state;
	remove_all();
	return system("ip link set dev so1 xdp off") != 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	remove_all();
	rmdir(PINS);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup(f, bare)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(older_program_gives_way), TEST(what_runs_is_kept),
		TEST(unfinished_goes),	       TEST(not_ours_is_kept),
		TEST(only_who_has_the_lock),   TEST(restarts_leave_nothing),
	};

	return cmocka_run_group_tests_name("orphans", tests, setup, teardown);
}
