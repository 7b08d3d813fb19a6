/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings: one table leads from section and key to a kind and a place in struct conf. See conf.h.
 *
 * A key may stand once in a file; keys of lists (interfaces, ports, prefixes) may stand several
 * times, and the first of them in a file begins the list anew, so that a drop-in replaces what came
 * before it.
 */
#include "user/conf.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/files.h"
#include "user/base/ini.h"
#include "user/base/number.h"
#include "user/base/prefix.h"
#include "user/base/refuse.h"
#include "user/setting.h"

/* ---- lists ---- */

static int interface_read(const struct setting *s, const char *value, void *at, char *why,
			  size_t size)
{
	struct conf *c = at;

	(void)s;
	if (strlen(value) >= IF_NAMESIZE || strpbrk(value, "/: \t"))
		return refuse(why, size, "%.32s cannot be an interface", value);
	for (unsigned int i = 0; i < c->n_interfaces; i++) {
		if (!strcmp(c->interfaces[i], value))
			return refuse(why, size, "%s is named twice", value);
	}
	if (c->n_interfaces == CONF_INTERFACES)
		return refuse(why, size, "at most %d interfaces", CONF_INTERFACES);
	memcpy(c->interfaces[c->n_interfaces++], value, strlen(value) + 1);
	return 0;
}

static void interface_print(const struct setting *s, const void *at, FILE *to)
{
	const struct conf *c = at;

	for (unsigned int i = 0; i < c->n_interfaces; i++)
		fprintf(to, "%s = %s\n", s->key, c->interfaces[i]);
}

static void interface_clear(const struct setting *s, void *at)
{
	struct conf *c = at;

	(void)s;
	memset(c->interfaces, 0, sizeof(c->interfaces));
	c->n_interfaces = 0;
}

static const struct setting_kind interface = {
	.parse = interface_read,
	.print = interface_print,
	.clear = interface_clear,
};

static int port_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	uint64_t *plane = at, *word, v;

	(void)s;
	if (number_parse(value, 1, UINT16_MAX, &v) < 0)
		return refuse(why, size, "%.32s: a port from 1 to 65535 is needed", value);
	word = &plane[v / 64];
	if (*word >> v % 64 & 1)
		return refuse(why, size, "%s is named twice", value);
	*word |= 1ull << v % 64;
	return 0;
}

static void port_print(const struct setting *s, const void *at, FILE *to)
{
	const uint64_t *plane = at;

	for (unsigned int i = 1; i <= UINT16_MAX; i++) {
		if (plane[i / 64] >> i % 64 & 1)
			fprintf(to, "%s = %u\n", s->key, i);
	}
}

static void port_clear(const struct setting *s, void *at)
{
	(void)s;
	memset(at, 0, SEINE_PORT_WORDS * sizeof(uint64_t));
}

static const struct setting_kind port = {
	.parse = port_read,
	.print = port_print,
	.clear = port_clear,
};

/* Balancers whose PROXY headers are believed. A private network is the widest that makes sense. */
#define BALANCER_LEN_MIN 8

static int balancer_read(const struct setting *s, const char *value, void *at, char *why,
			 size_t size)
{
	struct seine_balancer *b = at;
	struct prefix p;
	int r;

	(void)s;
	r = prefix_parse(value, why, size, &p);
	if (r < 0)
		return r;
	if (prefix_family_len(&p) < BALANCER_LEN_MIN)
		return refuse(why, size, "%s would believe too many; at least /%d is needed", value,
			      BALANCER_LEN_MIN);
	for (unsigned int i = 0; i < SEINE_BALANCERS; i++) {
		if (b[i].len128)
			continue;
		memcpy(b[i].ip, p.ip, sizeof(p.ip));
		b[i].len128 = p.len;
		return 0;
	}
	return refuse(why, size, "at most %d balancers", SEINE_BALANCERS);
}

static void balancer_print(const struct setting *s, const void *at, FILE *to)
{
	const struct seine_balancer *b = at;
	char text[PREFIX_TEXT];
	struct prefix p;

	for (unsigned int i = 0; i < SEINE_BALANCERS && b[i].len128; i++) {
		memcpy(p.ip, b[i].ip, sizeof(p.ip));
		p.len = b[i].len128;
		prefix_format(&p, text);
		fprintf(to, "%s = %s\n", s->key, text);
	}
}

static void balancer_clear(const struct setting *s, void *at)
{
	(void)s;
	memset(at, 0, SEINE_BALANCERS * sizeof(struct seine_balancer));
}

static const struct setting_kind balancer = {
	.parse = balancer_read,
	.print = balancer_print,
	.clear = balancer_clear,
};

static int checker_read(const struct setting *s, const char *value, void *at, char *why,
			size_t size)
{
	struct guard_settings *g = at;
	struct prefix p;
	int r;

	(void)s;
	r = prefix_parse(value, why, size, &p);
	if (r < 0)
		return r;
	if (prefix_too_wide(&p))
		return refuse(why, size, "%s is too wide", value);
	if (g->n_checkers == GUARD_CHECKERS)
		return refuse(why, size, "at most %d health checkers", GUARD_CHECKERS);
	g->checkers[g->n_checkers++] = p;
	return 0;
}

static void checker_print(const struct setting *s, const void *at, FILE *to)
{
	const struct guard_settings *g = at;
	char text[PREFIX_TEXT];

	for (unsigned int i = 0; i < g->n_checkers; i++)
		fprintf(to, "%s = %s\n", s->key, prefix_format(&g->checkers[i], text));
}

static void checker_clear(const struct setting *s, void *at)
{
	struct guard_settings *g = at;

	(void)s;
	memset(g->checkers, 0, sizeof(g->checkers));
	g->n_checkers = 0;
}

static const struct setting_kind checker = {
	.parse = checker_read,
	.print = checker_print,
	.clear = checker_clear,
};

/* What the server takes: a time, or measured. */
static int server_time_read(const struct setting *s, const char *value, void *at, char *why,
			    size_t size)
{
	if (strcmp(value, "auto") != 0)
		return setting_us.parse(s, value, at, why, size);
	*(uint32_t *)at = CONF_SERVER_AUTO;
	return 0;
}

static void server_time_print(const struct setting *s, const void *at, FILE *to)
{
	if (*(const uint32_t *)at == CONF_SERVER_AUTO)
		fprintf(to, "%s = auto\n", s->key);
	else
		setting_us.print(s, at, to);
}

static const struct setting_kind server_time = {
	.parse = server_time_read,
	.print = server_time_print,
	.unit_us = 1,
};

/* A file that one may do without. */
static int optional_read(const struct setting *s, const char *value, void *at, char *why,
			 size_t size)
{
	if (strcmp(value, "none") != 0)
		return setting_path.parse(s, value, at, why, size);
	*(char *)at = '\0';
	return 0;
}

static void optional_print(const struct setting *s, const void *at, FILE *to)
{
	const char *path = at;

	fprintf(to, "%s = %s\n", s->key, *path ? path : "none");
}

static const struct setting_kind optional_path = {
	.parse = optional_read,
	.print = optional_print,
};

/* ---- the table ---- */

static const char *const xdp_words[] = { "native", "generic", NULL };
static const char *const mode_words[] = { "observe", "enforce", NULL };
static const char *const proof_words[] = { "socket", "ack", NULL };
static const char *const stop_words[] = { "keep", "observe", "detach", NULL };
static const char *const no_yes[] = { "no", "yes", NULL };

#define SECOND 1000ull
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define PORT_SSH 22

#define AT(member) .offset = offsetof(struct conf, member)
#define FROM(low, high) .min = (low), .max = (high)
#define ROOM(member) .max = sizeof(((struct conf *)0)->member)

static const struct setting settings[] = {
	{ "interface", "name", &interface, .offset = 0 },
	{ "interface", "xdp", &setting_word, AT(xdp), .words = xdp_words },

	{ "service", "port", &port, AT(ports.tcp) },
	{ "service", "port_udp", &port, AT(ports.udp) },
	{ "service", "port_proxy_protocol", &port, AT(ports.balanced) },
	{ "service", "balancer", &balancer, AT(cfg.balancer) },
	{ "service", "proof", &setting_word, AT(cfg.proof), .words = proof_words },
	{ "service", "decap", &setting_word, AT(cfg.decap), .words = no_yes },

	{ "agent", "mode", &setting_word, AT(cfg.mode), .words = mode_words },
	{ "agent", "interval", &setting_ms, AT(interval_ms), FROM(100, 10 * MINUTE) },
	{ "agent", "window", &setting_sec, AT(window_sec), FROM(MINUTE, 7 * DAY) },
	{ "agent", "idle", &setting_sec, AT(idle_sec), FROM(MINUTE, 7 * DAY) },
	{ "agent", "heartbeat", &setting_sec, AT(cfg.beat_max_sec), FROM(2 * SECOND, HOUR) },
	{ "agent", "on_stop", &setting_word, AT(on_stop), .words = stop_words },
	{ "agent", "pin_dir", &setting_path, AT(pin_dir), ROOM(pin_dir) },
	{ "agent", "socket", &setting_path, AT(socket), ROOM(socket) },
	{ "agent", "allow_dir", &setting_path, AT(allow_dir), ROOM(allow_dir) },
	{ "agent", "hello_names", &setting_path, AT(hello_names), ROOM(hello_names) },
	{ "agent", "history", &optional_path, AT(history), ROOM(history) },
	{ "agent", "history_size", &setting_size, AT(history_size), FROM(16 * MIB, 1024 * GIB) },
	{ "agent", "state", &setting_path, AT(state), ROOM(state) },

	{ "datapath", "gap_min", &setting_us, AT(cfg.gap_min_us), FROM(1, 10 * SECOND) },
	{ "datapath", "server_time", &server_time, AT(server_us), FROM(0, SECOND) },
	{ "datapath", "hello_one_in", &setting_number, AT(cfg.hello_one_in), FROM(1, 1000000) },
	{ "datapath", "hellos_per_second", &setting_number, AT(cfg.hellos_per_sec),
	  FROM(1, 1000000) },
	{ "datapath", "connections_one_in", &setting_number, AT(connections_one_in),
	  FROM(1, 1000000) },
	{ "datapath", "flows_per_second", &setting_number, AT(cfg.flows_per_sec),
	  FROM(1, UINT32_MAX) },
	{ "datapath", "syns_per_second", &setting_number, AT(cfg.syns_per_sec),
	  FROM(1, UINT32_MAX) },
	{ "datapath", "source_bits", &setting_number, AT(source_bits), FROM(32, 64) },
	{ "datapath", "sources", &setting_number, AT(sizes.sources), FROM(64, 1 << 26) },
	{ "datapath", "prefixes", &setting_number, AT(sizes.nets), FROM(64, 1 << 24) },
	{ "datapath", "connections", &setting_power, AT(sizes.flows), FROM(64, 1 << 26) },
	{ "datapath", "half_open", &setting_power, AT(sizes.half_open), FROM(64, 1 << 24) },
	{ "datapath", "hit_slots", &setting_number, AT(sizes.hit_slots), FROM(64, 1 << 22) },
	{ "datapath", "allow_entries", &setting_number, AT(sizes.allows), FROM(16, 1 << 20) },

	{ "correlate", "q", &setting_share, AT(shoal.q), FROM(0, 20) },
	{ "correlate", "lfdr", &setting_share, AT(shoal.lfdr_max), FROM(0, 50) },
	{ "correlate", "purity", &setting_share, AT(shoal.purity_min), FROM(50, 100) },
	{ "correlate", "cohort_min", &setting_number, AT(shoal.cohort_min), FROM(5, 1000000) },
	{ "correlate", "prefix_min", &setting_number, AT(shoal.prefix_min), FROM(2, 1000000) },
	{ "correlate", "prefix_v4", &setting_lengths, AT(shoal.prefix_v4_min), FROM(16, 32) },
	{ "correlate", "prefix_v6", &setting_lengths, AT(shoal.prefix_v6_min), FROM(32, 64) },
	{ "correlate", "stacks_max", &setting_real, AT(shoal.stacks_max), FROM(1, 64) },
	{ "correlate", "hold", &setting_sec, AT(shoal.hold_sec), FROM(0, DAY) },
	{ "correlate", "networks", &optional_path, AT(networks), ROOM(networks) },

	{ "judge", "ttl", &setting_sec, AT(judge.ttl_sec), FROM(10 * SECOND, DAY) },
	{ "judge", "ttl_max", &setting_sec, AT(judge.ttl_max_sec), FROM(10 * SECOND, DAY) },
	{ "judge", "observe_for", &setting_sec, AT(judge.observe_sec), FROM(0, 30 * DAY) },
	{ "judge", "canary_for", &setting_sec, AT(judge.canary_sec), FROM(0, 30 * DAY) },
	{ "judge", "canary", &setting_share, AT(judge.canary_share), FROM(0, 50) },
	{ "judge", "hold_out", &setting_share, AT(judge.hold_out), FROM(0, 50) },
	{ "judge", "approve", &setting_word, AT(judge.approve), .words = no_yes },
	{ "judge", "entries_per_round", &setting_number, AT(judge.entries_per_round),
	  FROM(1, 1000000) },
	{ "judge", "networks_min", &setting_number, AT(judge.networks_min), FROM(0, 1000) },
	{ "judge", "entries_max", &setting_number, AT(judge.entries_max), FROM(1, 1000000) },
	{ "judge", "space_v4", &setting_number, AT(judge.space_v4), FROM(0, 1 << 24) },
	{ "judge", "space_v6", &setting_number, AT(judge.space_v6), FROM(0, 1 << 24) },
	{ "judge", "benign_share_max", &setting_share, AT(judge.benign_share_max), FROM(0, 10) },
	{ "judge", "benign_requests_max", &setting_share, AT(judge.benign_requests_max),
	  FROM(0, 10) },
	{ "judge", "rollback", &setting_share, AT(rollback.fall_max), FROM(0, 90) },
	{ "judge", "rollback_for", &setting_sec, AT(rollback.fall_for_sec), FROM(MINUTE, DAY) },

	{ "guard", "health_checker", &checker, AT(guard) },
	{ "guard", "ssh_port", &port, AT(guard.ssh) },
	{ "guard", "special_use", &setting_word, AT(guard.special_use), .words = no_yes },
};

void conf_default(struct conf *ret)
{
	*ret = (struct conf){
		.xdp = XDP_NATIVE,
		.cfg = {
			.mode = SEINE_OBSERVE,
			.proof = SEINE_PROOF_SOCKET,
			.gap_min_us = 20000,
			.flows_per_sec = 125000,
			.syns_per_sec = 10000,
			.beat_max_sec = 60,
			.hello_one_in = 64,
			.hellos_per_sec = 2000,
		},
		.sizes = {
			.sources = 131072,
			.nets = 65536,
			.flows = 262144,
			.half_open = 65536,
			.hit_slots = 131072,
			.allows = 4096,
		},
		.source_bits = 64,
		.server_us = CONF_SERVER_AUTO,
		.connections_one_in = 1,
		.interval_ms = 10 * SECOND,
		.window_sec = DAY / SECOND,
		.idle_sec = DAY / SECOND,
		.on_stop = ON_STOP_KEEP,
		.pin_dir = "/sys/fs/bpf/seine",
		.socket = "/run/seine/control.sock",
		.allow_dir = "/etc/seine/allow.d",
		.hello_names = "/var/lib/seine/hello.names",
		.history = "/var/lib/seine/history.db",
		.history_size = 4 * GIB, /* what a million sources a day need */
		.state = "/var/lib/seine/state.db",
		.shoal = shoal_defaults,
		.judge = judge_defaults,
		.rollback = rollback_defaults,
		.guard = {
			.ssh[PORT_SSH / 64] = 1ull << PORT_SSH % 64,
			.special_use = 1,
		},
	};
}

/* ---- reading ---- */

struct reading { /* of one file */
	struct conf *conf;
	bool seen[ARRAY_LEN(settings)];
};

static const struct setting *find(const char *section, const char *key, char *why, size_t size)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (strcmp(settings[i].section, section))
			continue;
		if (!strcmp(settings[i].key, key))
			return &settings[i];
		known = true;
	}
	if (known)
		(void)refuse(why, size, "%.64s: there is no such key in [%s]", key, section);
	else
		(void)refuse(why, size, "[%.64s]: there is no such section", section);
	return NULL;
}

static int take_pair(const char *section, const char *key, const char *value, void *arg, char *why,
		     size_t size)
{
	const struct setting *s = find(section, key, why, size);
	struct reading *reading = arg;
	char sentence[160];
	bool *seen;
	void *at;
	int r;

	if (!s)
		return -EINVAL;
	seen = &reading->seen[s - settings];
	at = (char *)reading->conf + s->offset;
	if (*seen && !s->kind->clear)
		return refuse(why, size, "%s: stands twice in this file", key);
	if (!*seen && s->kind->clear)
		s->kind->clear(s, at);
	*seen = true;
	r = s->kind->parse(s, value, at, sentence, sizeof(sentence));
	if (r < 0)
		(void)refuse(why, size, "%s: %s", key, sentence);
	return r;
}

static int read_file(const char *path, struct conf *conf, char *why, size_t size)
{
	struct reading reading = { .conf = conf };
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	int r;

	if (f)
		return ini_read(f, path, take_pair, &reading, why, size);
	r = -errno;
	(void)refuse(why, size, "%s: %s", path, strerror(-r));
	return r;
}

static int read_drop_ins(const char *path, struct conf *conf, char *why, size_t size)
{
	_cleanup_(files_freep) char **files = NULL;
	char dir[PATH_MAX + 2];
	int r;

	snprintf(dir, sizeof(dir), "%s.d", path);
	r = files_list(dir, ".conf", &files);
	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		(void)refuse(why, size, "%s: %s", dir, strerror(-r));
		return r;
	}
	for (char **f = files; *f && r == 0; f++)
		r = read_file(*f, conf, why, size);
	return r;
}

static bool any(const __u64 *plane)
{
	for (unsigned int i = 0; i < SEINE_PORT_WORDS; i++) {
		if (plane[i])
			return true;
	}
	return false;
}

static bool any_port(const struct seine_ports *p)
{
	return any(p->tcp) || any(p->udp) || any(p->balanced);
}

/* Every client would be a peer of ssh, and none could be dropped. */
static int check_ssh(const struct conf *c, char *why, size_t size)
{
	for (unsigned int i = 1; i <= UINT16_MAX; i++) {
		uint64_t both =
			c->guard.ssh[i / 64] & (c->ports.tcp[i / 64] | c->ports.balanced[i / 64]);

		if (both >> i % 64 & 1)
			return refuse(why, size, "[guard] ssh_port: %u is a protected port", i);
	}
	return 0;
}

/* What no single line can show. */
static int check(const struct conf *c, char *why, size_t size)
{
	if (!c->n_interfaces)
		return refuse(why, size, "[interface] name: at least one is needed");
	if (!any_port(&c->ports))
		return refuse(why, size, "[service] port: at least one is needed");
	if (any(c->ports.balanced) && !c->cfg.balancer[0].len128)
		return refuse(why, size,
			      "[service] port_proxy_protocol: needs a balancer to believe");
	if (c->interval_ms > c->window_sec * SECOND / 2)
		return refuse(why, size, "[agent] interval: longer than half the window");
	if (c->interval_ms * 2ull > c->cfg.beat_max_sec * SECOND)
		return refuse(why, size, "[agent] heartbeat: shorter than two intervals");
	if (c->shoal.prefix_v6_max > c->source_bits)
		return refuse(why, size,
			      "[correlate] prefix_v6: goes beyond [datapath] source_bits");
	if (c->judge.ttl_sec > c->judge.ttl_max_sec)
		return refuse(why, size, "[judge] ttl: longer than ttl_max");
	if (c->judge.entries_max >= c->sizes.hit_slots)
		return refuse(why, size, "[judge] entries_max: needs more [datapath] hit_slots");
	return check_ssh(c, why, size);
}

int conf_load(const char *path, char *why, size_t size, struct conf *ret)
{
	char sentence[128];
	struct conf conf;
	int r;

	conf_default(&conf);
	r = read_file(path, &conf, why, size);
	if (r < 0)
		return r;
	r = read_drop_ins(path, &conf, why, size);
	if (r < 0)
		return r;
	r = check(&conf, sentence, sizeof(sentence));
	if (r < 0)
		return refuse(why, size, "%s: %s", path, sentence);
	conf.judge.v6_source = conf.source_bits;
	conf.shoal.day_sec = conf.window_sec;
	for (unsigned int i = 0; i < SEINE_PORT_WORDS; i++)
		conf.ports.tcp[i] |= conf.ports.balanced[i];
	*ret = conf;
	return 0;
}

void conf_print(const struct conf *c, FILE *to)
{
	const char *section = "";

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct setting *s = &settings[i];

		if (strcmp(section, s->section))
			fprintf(to, "%s[%s]\n", i ? "\n" : "", s->section);
		section = s->section;
		s->kind->print(s, (const char *)c + s->offset, to);
	}
}
