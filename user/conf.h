/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings of the agent: /etc/seine/seine.conf, then seine.conf.d/ beside it, *.conf in the
 * order of their names.
 *
 * Strict: an unknown section or key, a bad value, or a key that stands twice in one file is an
 * error with file and line, and the agent does not start, or on reload keeps the settings it has. A
 * later file overrides single values and replaces lists (interfaces, ports, prefixes). Keys,
 * ranges and defaults stand in the table of conf.c; seine.conf(5) explains them.
 */
#ifndef CONF_H
#define CONF_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "bpf/seine.h"
#include "user/host/guards.h"
#include "user/judge/judge.h"
#include "user/judge/rollback.h"
#include "user/kernel/datapath.h"
#include "user/shoal/shoal.h"

#define CONF_INTERFACES 16
#define CONF_PATH_DEFAULT "/etc/seine/seine.conf"
#define CONF_SERVER_AUTO UINT32_MAX /* measured: see user/sight/trips.h */

enum on_stop {
	ON_STOP_KEEP,	 /* drops stay until they expire */
	ON_STOP_OBSERVE, /* counting goes on, nothing is dropped */
	ON_STOP_DETACH,
};

struct conf {
	char interfaces[CONF_INTERFACES][IF_NAMESIZE];
	unsigned int n_interfaces;
	enum datapath_xdp_mode xdp;

	struct seine_cfg cfg; /* as the datapath wants it */
	struct seine_ports ports;
	uint32_t server_us;	     /* the server's own share of delta, or CONF_SERVER_AUTO */
	uint32_t connections_one_in; /* of ended connections reported, while somebody looks */
	struct datapath_sizes sizes;
	uint32_t source_bits;

	uint32_t interval_ms; /* between harvests */
	uint32_t window_sec;  /* of observations */
	uint32_t idle_sec;    /* rows idle this long are removed from the kernel */
	enum on_stop on_stop;
	char pin_dir[PATH_MAX];
	char socket[108]; /* sockaddr_un.sun_path */
	char allow_dir[PATH_MAX];
	char hello_names[PATH_MAX];
	char networks[PATH_MAX]; /* empty: no table of networks */
	char history[PATH_MAX];	 /* empty: none is kept */
	uint64_t history_size;
	char state[PATH_MAX];

	struct shoal_settings shoal;
	struct judge_settings judge;
	struct guard_settings guard;
	struct rollback_settings rollback;
};

/* `why` (`size` bytes) gets "file:line: sentence" when the result is negative, or "file: sentence"
 * where several lines together are wrong. */
int conf_load(const char *path, char *why, size_t size, struct conf *ret);

/* Without interfaces and ports, which have no defaults. */
void conf_default(struct conf *ret);

/* The settings in force, as a file that conf_load() reads back the same. */
void conf_print(const struct conf *c, FILE *to);

#endif
