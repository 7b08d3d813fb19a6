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
#include "user/control/listfile.h"
#include "user/control/wish.h"
#include "user/judge/entry.h"
#include "user/kernel/datapath.h"
#include "user/shoal/seeds.h"

#define REQUEST_WHY 256
#define REQUEST_LIMIT 20	 /* rows when none are asked for: one screen */
#define REQUEST_LIMIT_MAX 100000 /* bounds the memory of one answer to some 50 MB */
#define REQUEST_TTL_SEC 3600
#define REQUEST_TTL_MAX_SEC (366 * 86400) /* longer is --permanent */
#define REQUEST_BURST_MAX 1000000
#define REQUEST_NAME 256	    /* of a file, with its NUL */
#define REQUEST_FEED 32		    /* name of a feed, with its NUL */
#define REQUEST_TRIAL_MIN_SEC 10    /* somebody has to look at what it did */
#define REQUEST_TRIAL_MAX_SEC 86400 /* and is still there to say so */

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

/* Rows of the drop list, of some origins: bits 1 << enum seine_origin, all when none is given. */
int request_drop_rows(const json_t *request, const char *const *sorts, char *why,
		      struct request_rows *ret, unsigned int *ret_origins);

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

/* An operator's entry, to be added at now_sec; hit slot and campaign are left 0, the actor is
 * nobody. */
int request_drop(const json_t *request, uint32_t now_sec, char *why, struct entry *ret,
		 bool *ret_dry_run);
int request_allow(const json_t *request, uint32_t now_sec, char *why, struct allow_entry *ret,
		  bool *ret_dry_run);

/* Sets of origins: bit 1 << enum seine_origin. */
#define REQUEST_ALL_ORIGINS 0x1fU

struct request_flush {
	unsigned int origins;
	const char *feed; /* NULL: all feeds; borrowed from the request */
	bool dry_run;
};
int request_flush(const json_t *request, char *why, struct request_flush *ret);

/* A file that replaces the operators' entries, or those of a feed. Its lines are read under the
 * terms; the actor is nobody. Texts are borrowed from the request. */
struct request_list {
	enum list_format format;
	const char *name; /* what the file is called in messages */
	struct wish_terms terms;
	const char *feed; /* NULL: the operators */
	bool force;
	bool dry_run;
};
int request_replace(const json_t *request, uint32_t now_sec, int64_t unix_sec, char *why,
		    struct request_list *ret);
int request_import(const json_t *request, uint32_t now_sec, int64_t unix_sec, char *why,
		   struct request_list *ret);
int request_export(const json_t *request, char *why, enum list_format *ret_format,
		   unsigned int *ret_origins);

/* An order for a campaign; a note of "" when none was given. */
int request_order(const json_t *request, char *why, uint32_t *ret_id, char ret_note[SEINE_NOTE]);
/* Which events of the audit. */
struct request_log {
	uint32_t limit;
	struct prefix within; /* ::/0 when none was given */
	uint32_t campaign;    /* 0: none was given */
};
int request_log_rows(const json_t *request, char *why, struct request_log *ret);
int request_trial(const json_t *request, char *why, uint32_t *ret_within_sec);
int request_within(const json_t *request, char *why, struct prefix *ret); /* ::/0: not given */

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
int mode_parse(const char *name, enum seine_mode *ret);
int origin_parse(const char *name, enum seine_origin *ret);
/* As prefix_parse(), and not too wide for an entry: /0 to /7 (IPv6: /0 to /15) are refused. */
int entry_prefix_parse(const char *text, char *why, struct prefix *ret);
int campaign_parse(const char *text, uint32_t *ret); /* "c-1f3a" or "1f3a" */
int hello_parse(const char *text, uint64_t *ret);    /* 16 hexadecimal digits */
int feed_check(const char *name, char *why);	     /* the name of a feed; -EINVAL */

#endif
