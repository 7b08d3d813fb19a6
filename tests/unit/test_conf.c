/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings: defaults, drop-ins, and every way a file can be wrong, named by file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/conf.h"

#define LEAST "[interface]\nname = eth0\n[service]\nport = 443\n"

struct place {
	char dir[64], file[96], drop_in[96], drop_dir[96];
};

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/seine-conf-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/seine.conf", p->dir);
	snprintf(p->drop_dir, sizeof(p->drop_dir), "%s/seine.conf.d", p->dir);
	snprintf(p->drop_in, sizeof(p->drop_in), "%s/seine.conf.d/10.conf", p->dir);
	*state = p;
	return 0;
}

static int drop_place(void **state)
{
	struct place *p = *state;

	unlink(p->drop_in);
	rmdir(p->drop_dir);
	unlink(p->file);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void defaults_are_safe(void **state)
{
	struct conf c;

	(void)state;
	conf_default(&c);
	assert_int_equal(c.cfg.mode, SEINE_OBSERVE);
	assert_int_equal(c.cfg.proof, SEINE_PROOF_SOCKET);
	assert_int_equal(c.xdp, XDP_NATIVE);
	assert_int_equal(c.on_stop, ON_STOP_KEEP);
	assert_int_equal(c.interval_ms, 10000);
	assert_int_equal(c.cfg.gap_min_us, 20000);
	assert_int_equal(c.cfg.beat_max_sec, 60);
	assert_int_equal(c.server_us, CONF_SERVER_AUTO);
	assert_int_equal(c.cfg.connection_one_in, 0);
	assert_int_equal(c.judge.ttl_sec, 3600);
	assert_int_equal(c.judge.observe_sec, 3600);
	assert_int_equal(c.judge.canary_sec, 3600);
	assert_int_equal(c.judge.space_v4, 262144);
	assert_int_equal(c.shoal.prefix_v4_min, 20);
	assert_int_equal(c.shoal.prefix_v4_max, 32);
	assert_string_equal(c.pin_dir, "/sys/fs/bpf/seine");
	assert_string_equal(c.networks, "");
	assert_int_equal(c.guard.special_use, 1);
	assert_int_equal(c.guard.n_checkers, 0);
	assert_true(c.guard.ssh[0] == 1ull << 22);
	assert_string_equal(c.history, "/var/lib/seine/history.db");
	assert_true(c.history_size == 4ull << 30);
	assert_string_equal(c.state, "/var/lib/seine/state.db");
}

static void reads_a_file_and_its_drop_ins(void **state)
{
	struct place *p = *state;
	struct conf c;
	char why[256];

	write_text(p->file, "# a comment\n" LEAST "port = 8443\nport_udp = 443\n"
			    "[agent]\nmode=enforce\ninterval =  2s\n");
	assert_int_equal(mkdir(p->drop_dir, 0700), 0);
	write_text(p->drop_in, "[interface]\nname = eth1\nname = eth2\n[service]\nport = 444\n"
			       "[datapath]\nconnections = 1000\n");
	assert_int_equal(conf_load(p->file, why, sizeof(why), &c), 0);
	assert_int_equal(c.n_interfaces, 2);
	assert_string_equal(c.interfaces[0], "eth1");
	assert_string_equal(c.interfaces[1], "eth2");
	assert_int_equal(c.cfg.mode, SEINE_ENFORCE);
	assert_int_equal(c.interval_ms, 2000);
	assert_int_equal(c.sizes.flows, 1024);
	assert_true(c.ports.udp[443 / 64] == 1ull << 443 % 64);
	assert_true(c.ports.tcp[444 / 64] == 1ull << 444 % 64);
}

static void names_file_line_and_reason(void **state)
{
	static const struct {
		const char *text, *where, *reason;
	} rows[] = {
		{ LEAST "[agent]\nmoed = observe\n", ":6: ", "no such key in [agent]" },
		{ LEAST "[agnet]\nmode = observe\n", ":6: ", "no such section" },
		{ LEAST "[agent]\nmode = audit\n", ":6: ", "observe or enforce" },
		{ LEAST "[agent]\nmode = observe\nmode = enforce\n", ":7: ", "twice" },
		{ LEAST "[agent]\ninterval = 10\n", ":6: ", "from 100ms to 10m" },
		{ LEAST "[agent]\ninterval = 1ms\n", ":6: ", "from 100ms to 10m" },
		{ LEAST "[agent]\ninterval = 11m\n", ":6: ", "from 100ms to 10m" },
		{ LEAST "[agent]\ninterval = 18446744073709552s\n", ":6: ", "from 100ms to 10m" },
		{ LEAST "[agent]\nwindow = 61500ms\n", ":6: ", "a time from 1m" },
		{ LEAST "[agent]\nsocket = /a\001b\n", ":6: ", "control character" },
		{ LEAST "[agent]\nsocket = run/x\n", ":6: ", "absolute" },
		{ LEAST "[agent]\nhistory = no\n", ":6: ", "absolute" },
		{ LEAST "[agent]\nstate = none\n", ":6: ", "absolute" },
		{ LEAST "[agent]\nhistory_size = 4\n", ":6: ", "a size from 16M to 1024G" },
		{ LEAST "[agent]\nhistory_size = 15M\n", ":6: ", "a size from 16M to 1024G" },
		{ LEAST "[agent]\nhistory_size = 1025G\n", ":6: ", "a size from 16M" },
		{ LEAST "[agent]\nhistory_size = 4g\n", ":6: ", "a size from 16M" },
		{ LEAST "[agent]\nhistory_size = 4GB\n", ":6: ", "a size from 16M" },
		{ LEAST "[agent\n", ":5: ", "ends with ]" },
		{ LEAST "port = 0443\n", ":5: ", "1 to 65535" },
		{ LEAST "port = 443\n", ":5: ", "twice" },
		{ LEAST "port = 70000\n", ":5: ", "1 to 65535" },
		{ LEAST "port\n", ":5: ", "key = value" },
		{ LEAST "port =\n", ":5: ", "missing" },
		{ LEAST "= 5\n", ":5: ", "key is missing" },
		{ "port = 443\n", ":1: ", "first [section]" },
		{ LEAST "[correlate]\nprefix_v4 = 32-20\n", ":6: ", "prefix_v4" },
		{ LEAST "[correlate]\nprefix_v4 = 20\n", ":6: ", "like 16-32" },
		{ LEAST "[correlate]\nprefix_v4 = 8-32\n", ":6: ", "prefix_v4" },
		{ LEAST "[correlate]\nq = 200%\n", ":6: ", "share" },
		{ LEAST "[correlate]\nq = 1\n", ":6: ", "from 0% to 20%" },
		{ LEAST "[correlate]\nstacks_max = 0.5\n", ":6: ", "from 1 to 64" },
		{ LEAST "[correlate]\nnetworks = networks\n", ":6: ", "absolute" },
		{ LEAST "[datapath]\nsources = 1e6\n", ":6: ", "number from 64" },
		{ LEAST "[datapath]\nserver_time = never\n", ":6: ", "a time from 0 to 1s" },
		{ LEAST "[datapath]\nserver_time = 2s\n", ":6: ", "a time from 0 to 1s" },
		{ LEAST "[datapath]\nhello_one_in = 0\n", ":6: ", "from 1 to 1000000" },
		{ LEAST "[datapath]\nsource_bits = 56\n", ": ", "prefix_v6" },
		{ LEAST "[judge]\nentries_max = 200000\n", ": ", "hit_slots" },
		{ LEAST "[judge]\nobserve_for = 31d\n", ":6: ", "a time from 0 to 30d" },
		{ LEAST "[judge]\ncanary_for = soon\n", ":6: ", "a time from 0 to 30d" },
		{ LEAST "[judge]\ncanary = 51%\n", ":6: ", "from 0% to 50%" },
		{ LEAST "[judge]\nhold_out = 1\n", ":6: ", "from 0% to 50%" },
		{ LEAST "[judge]\napprove = maybe\n", ":6: ", "no or yes" },
		{ LEAST "[judge]\nspace_v4 = 20000000\n", ":6: ", "number from 0" },
		{ LEAST "[judge]\nspace_v6 = -1\n", ":6: ", "number from 0" },
		{ LEAST "[judge]\nbenign_requests_max = 11%\n", ":6: ", "from 0% to 10%" },
		{ LEAST "[agent]\nwindow = 60s\ninterval = 40s\nheartbeat = 2m\n", ": ", "window" },
		{ LEAST "[agent]\ninterval = 1500ms\nheartbeat = 2s\n", ": ", "two intervals" },
		{ LEAST "[guard]\nspecial_use = maybe\n", ":6: ", "no or yes" },
		{ LEAST "[guard]\nspecial_uses = no\n", ":6: ", "no such key in [guard]" },
		{ LEAST "[guard]\nssh_port = 0\n", ":6: ", "1 to 65535" },
		{ LEAST "[guard]\nssh_port = 22\nssh_port = 22\n", ":7: ", "twice" },
		{ LEAST "[guard]\nssh_port = 443\n", ": ", "443 is a protected port" },
		{ LEAST "[guard]\nhealth_checker = 10.0.0.1/8\n", ":6: ", "did you mean" },
		{ LEAST "[guard]\nhealth_checker = 0.0.0.0/0\n", ":6: ", "too wide" },
		{ LEAST "[guard]\nhealth_checker = lb.example\n", ":6: ", "not an IPv4" },
		{ LEAST "[service]\nport_udp = 443\nport_udp = 443\n", ":7: ", "twice" },
		{ LEAST "[interface]\nname = eth0\n", ":6: ", "twice" },
		{ LEAST "[judge]\nttl = 2h\nttl_max = 1h\n", ": ", "longer than ttl_max" },
		{ LEAST "[agent]\nheartbeat = 15s\n", ": ", "two intervals" },
		{ "[service]\nport = 443\n", ": ", "[interface] name" },
		{ "[interface]\nname = eth0\n", ": ", "[service] port" },
		{ "[interface]\nname = a-name-that-is-too-long\n", ":2: ", "interface" },
	};
	struct place *p = *state;
	struct conf c, before;
	char why[256];

	memset(&c, 0x5a, sizeof(c));
	before = c;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_text(p->file, rows[i].text);
		assert_true(conf_load(p->file, why, sizeof(why), &c) < 0);
		assert_memory_equal(why, p->file, strlen(p->file));
		assert_memory_equal(why + strlen(p->file), rows[i].where, strlen(rows[i].where));
		if (!strstr(why, rows[i].reason))
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, why, rows[i].reason);
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void refuses_long_lines_and_missing_files(void **state)
{
	struct place *p = *state;
	static char text[8192];
	struct conf c;
	char why[256];

	memset(text, 'x', sizeof(text) - 1);
	write_text(p->file, text);
	assert_true(conf_load(p->file, why, sizeof(why), &c) < 0);
	assert_non_null(strstr(why, ":1: longer than"));
	unlink(p->file);
	assert_int_equal(conf_load(p->file, why, sizeof(why), &c), -ENOENT);
	assert_non_null(strstr(why, "No such file"));
}

/* Prints into memory; the caller frees. */
static char *print(const struct conf *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	conf_print(c, f);
	fclose(f);
	return text;
}

static void prints_what_it_reads(void **state)
{
	_cleanup_(freep) char *first = NULL, *second = NULL;
	struct place *p = *state;
	struct conf c, again;
	char why[256];

	write_text(p->file,
		   LEAST "port_udp = 444\nproof = ack\ndecap = yes\n"
			 "[interface]\nname = eth1\nxdp = generic\n"
			 "[agent]\ninterval = 1500ms\nwindow = 61s\non_stop = detach\n"
			 "socket = /run/a b/c.sock\n"
			 "history = none\nhistory_size = 17000K\nstate = /srv/state.db\n"
			 "[datapath]\nsource_bits = 56\ngap_min = 35ms\nserver_time = 1ms\n"
			 "[correlate]\nq = 0.3%\nprefix_v6 = 48-56\nstacks_max = 2.75\n"
			 "networks = /srv/networks.txt\n"
			 "[judge]\nttl = 90m\nbenign_share_max = 0.00001\n"
			 "observe_for = 0s\ncanary_for = 2d\ncanary = 10%\nhold_out = 0%\n"
			 "approve = yes\nspace_v4 = 0\nspace_v6 = 65537\n"
			 "benign_requests_max = 0.0002\n"
			 "[guard]\nhealth_checker = 192.0.2.0/28\nhealth_checker = 2001:db8::7\n"
			 "ssh_port = 2222\nssh_port = 22\nspecial_use = no\n");
	assert_int_equal(conf_load(p->file, why, sizeof(why), &c), 0);
	first = print(&c);
	write_text(p->file, first);
	assert_int_equal(conf_load(p->file, why, sizeof(why), &again), 0);
	second = print(&again);
	assert_string_equal(first, second);
	assert_int_equal(again.interval_ms, 1500);
	assert_int_equal(again.server_us, 1000);
	assert_int_equal(again.judge.ttl_sec, 5400);
	assert_int_equal(again.judge.v6_source, 56);
	assert_int_equal(again.cfg.gap_min_us, 35000);
	assert_true(again.shoal.q == 0.003);
	assert_true(again.shoal.stacks_max == 2.75);
	assert_true(again.judge.benign_share_max == 0.00001);
	assert_int_equal(again.judge.observe_sec, 0);
	assert_int_equal(again.judge.canary_sec, 2 * 86400);
	assert_true(again.judge.canary_share == 0.1);
	assert_true(again.judge.hold_out == 0);
	assert_int_equal(again.judge.approve, 1);
	assert_int_equal(again.judge.space_v4, 0);
	assert_int_equal(again.judge.space_v6, 65537);
	assert_true(again.judge.benign_requests_max == 0.0002);
	assert_string_equal(again.socket, "/run/a b/c.sock");
	assert_string_equal(again.networks, "/srv/networks.txt");
	assert_int_equal(again.guard.n_checkers, 2);
	assert_int_equal(again.guard.checkers[0].len, 124);
	assert_int_equal(again.guard.checkers[1].len, 128);
	assert_true(again.guard.ssh[0] == 1ull << 22);
	assert_true(again.guard.ssh[2222 / 64] == 1ull << 2222 % 64);
	assert_int_equal(again.guard.special_use, 0);
	assert_string_equal(again.history, "");
	assert_true(again.history_size == 17000 << 10);
	assert_string_equal(again.state, "/srv/state.db");
}

/* "#key = value" is a default; "# sentence" is not. */
static void uncomment(FILE *from, FILE *to)
{
	char line[256];

	while (fgets(line, sizeof(line), from))
		fputs(line[0] == '#' && line[1] >= 'a' && line[1] <= 'z' ? line + 1 : line, to);
}

static void installed_file_shows_the_defaults(void **state)
{
	_cleanup_(fclosep) FILE *from = fopen("user/conf/seine.conf", "r");
	_cleanup_(freep) char *shown = NULL, *meant = NULL;
	struct place *p = *state;
	struct conf c, expected;
	char why[256];
	FILE *to;

	assert_non_null(from);
	to = fopen(p->file, "w");
	assert_non_null(to);
	uncomment(from, to);
	fclose(to);
	if (conf_load(p->file, why, sizeof(why), &c) < 0)
		fail_msg("%s", why);

	conf_default(&expected);
	strcpy(expected.interfaces[0], "eth0");
	expected.n_interfaces = 1;
	expected.ports.tcp[443 / 64] = expected.ports.udp[443 / 64] = 1ull << 443 % 64;
	shown = print(&c);
	meant = print(&expected);
	assert_string_equal(shown, meant);
	/* Nothing is left out: as many lines of key = value as there are settings. */
	rewind(from);
	for (char *at = meant; (at = strchr(at, '=')); at++) {
		char line[256];

		while (fgets(line, sizeof(line), from) && !strstr(line, " = "))
			;
		assert_false(feof(from));
	}
}

static void drop_ins_follow_the_order_of_their_names(void **state)
{
	struct place *p = *state;
	char other[128], why[256];
	struct conf c;

	write_text(p->file, LEAST "[agent]\nmode = enforce\n");
	assert_int_equal(mkdir(p->drop_dir, 0700), 0);
	snprintf(other, sizeof(other), "%s/9.conf", p->drop_dir);
	write_text(p->drop_in, "[judge]\nttl = 2h\n[correlate]\nnetworks = /srv/networks.txt\n");
	write_text(other, "[judge]\nttl = 3h\n[correlate]\nnetworks = none\n");
	assert_int_equal(conf_load(p->file, why, sizeof(why), &c), 0);
	assert_int_equal(c.judge.ttl_sec, 10800);
	assert_string_equal(c.networks, "");
	assert_int_equal(c.cfg.mode, SEINE_ENFORCE);

	write_text(other, "[judge]\nttl = soon\n");
	assert_true(conf_load(p->file, why, sizeof(why), &c) < 0);
	assert_memory_equal(why, other, strlen(other));
	unlink(other);

	snprintf(other, sizeof(other), "%s/notes.txt", p->drop_dir);
	write_text(other, "not a setting\n");
	assert_int_equal(conf_load(p->file, why, sizeof(why), &c), 0);
	unlink(other);

	snprintf(other, sizeof(other), "%s/99.conf", p->drop_dir);
	assert_int_equal(symlink("/nowhere/at/all", other), 0);
	assert_int_equal(conf_load(p->file, why, sizeof(why), &c), -ENOENT);
	assert_memory_equal(why, other, strlen(other));
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_safe),
		cmocka_unit_test_setup_teardown(reads_a_file_and_its_drop_ins, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(names_file_line_and_reason, make_place, drop_place),
		cmocka_unit_test_setup_teardown(refuses_long_lines_and_missing_files, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(prints_what_it_reads, make_place, drop_place),
		cmocka_unit_test_setup_teardown(installed_file_shows_the_defaults, make_place,
						drop_place),
		cmocka_unit_test_setup_teardown(drop_ins_follow_the_order_of_their_names,
						make_place, drop_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
