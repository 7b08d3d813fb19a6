/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the datapath would do with a packet from an address, right now, and why. Follows
 * bpf/verdict.h step by step, on copies of what the maps hold. Pure.
 */
#ifndef CONTROL_CHECK_H
#define CONTROL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include "bpf/seine.h"
#include "user/base/prefix.h"
#include "user/judge/entry.h"
#include "user/kernel/datapath.h"

struct check_state {
	bool off;
	bool agent_alive; /* its heartbeat is fresh enough */
	struct seine_cfg cfg;
	struct seine_meta meta;
	const struct entries *entries;
	const struct allow_entry *allows;
	size_t n_allows;
	uint64_t hello_key; /* of the source's last ClientHello, 0: not known */
	uint32_t now_sec;
};

enum check_verdict {
	CHECK_PASSED,
	CHECK_SWITCHED_OFF,
	CHECK_ALLOWED,
	CHECK_WATCHED,
	CHECK_HELLO_DIFFERS,
	CHECK_CANARY_SPARED,
	CHECK_HELD_OUT,
	CHECK_AGENT_SILENT,
	CHECK_WOULD_DROP,
	CHECK_LIMITED, /* dropped beyond the entry's rate */
	CHECK_DROPPED,
};

struct check {
	enum check_verdict verdict;
	const struct entry *entry;	 /* that decides, or would; NULL: none in force covers it */
	const struct allow_entry *allow; /* the longest in force that covers it; NULL: none */
};

void check_address(const struct check_state *s, const struct prefix *address, struct check *ret);

const char *check_name(enum check_verdict v);	  /* "would_drop": as the counter is called */
const char *check_sentence(enum check_verdict v); /* for a person */
bool check_drops(enum check_verdict v);		  /* something of it is dropped now */

#endif
