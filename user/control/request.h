/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line asks for, read strictly: one JSON object a line.
 *
 *	{"verb":"drop add","prefix":"203.0.113.0/24","ttl_sec":3600,"note":"seen in the logs"}
 *
 * A request is input from outside. Unknown members, members given twice, numbers out of range and
 *text that is not printable are errors, each with a sentence in `why` (REQUEST_WHY bytes). Pure.
 */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include <jansson.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "user/base/prefix.h"
#include "user/judge/entry.h"
#include "user/kernel/datapath.h"
#include "user/shoal/seeds.h"

#define REQUEST_WHY 256
#define REQUEST_LIMIT 20	 /* rows when none are asked for: one screen */
#define REQUEST_LIMIT_MAX 100000 /* bounds the memory of one answer to some 50 MB */
#define REQUEST_TTL_SEC 3600
#define REQUEST_TTL_MAX_SEC (366 * 86400) /* longer is --permanent */
#define REQUEST_BURST_MAX 1000000

/* Any object with a string `verb`. */
int request_parse(const char *line, size_t len, char *why, json_t **ret);
const char *request_verb(const json_t *request);

/* Which rows: at most `limit`, the first ones by `sort`, and only those inside `within`. */
struct request_rows {
	uint32_t limit;
	unsigned int sort;    /* index into the `sorts` given */
	struct prefix within; /* ::/0 when none was given */
};
/* `sorts` ends with NULL; its first is the default. May be just { NULL }. */
int request_rows(const json_t *request, const char *const *sorts, char *why,
		 struct request_rows *ret);

int request_nothing(const json_t *request, char *why); /* the verb alone */
int request_address(const json_t *request, char *why, struct prefix *ret);
int request_prefix(const json_t *request, char *why, struct prefix *ret);
int request_campaign(const json_t *request, char *why, uint32_t *ret_id, uint32_t *ret_limit);
/* Which hello, "id": a key or a JA4, and with `ret_name` also the "name", which may be "". */
int request_hello(const json_t *request, char *why, const char **ret_id, const char **ret_name);
int request_mode(const json_t *request, char *why, enum seine_mode *ret);

/* Seeds as lines of a list of seeds, all of them good, with times of 0; `ret` is the caller's to
 * free. */
#define REQUEST_SEED_TTL_SEC (45 * 86400) /* the longest window of the correlator */
int request_seeds(const json_t *request, char *why, uint32_t *ret_ttl_sec, struct seeds *ret);

/* An operator's entry, to be added at now_sec; hit slot and campaign are left 0. */
int request_drop(const json_t *request, uint32_t now_sec, char *why, struct entry *ret);
int request_allow(const json_t *request, uint32_t now_sec, char *why, struct allow_entry *ret);

/* Adding again never shortens: true when `held_expires` is later than, and hence replaces,
 * `*expires_sec`. 0 is never. */
bool request_keep_expiry(uint32_t held_expires, uint32_t *expires_sec);

/* The one spelling of actions, modes, origins and gap classes, here and in answers. */
const char *action_name(enum seine_action action);
const char *mode_name(enum seine_mode mode);
const char *origin_name(enum seine_origin origin);
const char *gap_name(enum seine_gap gap);

/* -ENOENT for a name that is none of these. */
int action_parse(const char *name, enum seine_action *ret);
/* As prefix_parse(), and not too wide for an entry: /0 to /7 (IPv6: /0 to /15) are refused. */
int entry_prefix_parse(const char *text, char *why, struct prefix *ret);
int campaign_parse(const char *text, uint32_t *ret); /* "c-1f3a" or "1f3a" */
int hello_parse(const char *text, uint64_t *ret);    /* 16 hexadecimal digits */

#endif
