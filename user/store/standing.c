/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standings and re-entries as JSON. See standing.h. */
#include "user/store/standing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "user/base/prefix.h"

#define PARTS 256 /* of re-entries; a full one has some 40 KB */

static int find_rung(const char *name)
{
	for (enum rung r = RUNG_OBSERVE; r <= RUNG_ENFORCE; r++)
		if (strcmp(rung_name(r), name) == 0)
			return r;
	return -1;
}

static int find_order(const char *name)
{
	for (enum order o = ORDER_NONE; o <= ORDER_REJECTED; o++)
		if (strcmp(order_name(o), name) == 0)
			return o;
	return -1;
}

/* ---- standings ---- */

/* 0 stays 0: never. Seconds before boot wrap, as their differences then do. */
static json_int_t to_unix(uint32_t sec, int64_t epoch_sec)
{
	return sec ? epoch_sec + (int32_t)sec : 0;
}

static uint32_t from_unix(json_int_t unix_sec, int64_t epoch_sec)
{
	uint32_t sec = (uint32_t)(unix_sec - epoch_sec);

	return unix_sec ? sec ? sec : 1 : 0;
}

static json_t *write_standing(const struct standing *s, int64_t epoch_sec)
{
	char hello[20];

	snprintf(hello, sizeof(hello), "%016" PRIx64, s->hello_key);
	return json_pack("{s:I, s:I, s:s, s:I, s:s, s:I, s:b, s:s, s:b, s:I, s:I, s:s, s:I, s:s, "
			 "s:I, s:I, s:b}",
			 "campaign", (json_int_t)s->campaign, "first",
			 to_unix(s->first_sec, epoch_sec), "hello", hello, "seen",
			 to_unix(s->seen_sec, epoch_sec), "rung", rung_name(s->rung), "since",
			 to_unix(s->since_sec, epoch_sec), "stopped", s->stopped, "order",
			 order_name(s->order), "urged", s->urged, "ordered",
			 to_unix(s->order_sec, epoch_sec), "actor", (json_int_t)s->actor, "note",
			 s->note, "rollbacks", (json_int_t)s->rollbacks, "reason", s->reason,
			 "held_out", (json_int_t)s->held_out, "held_out_alike",
			 (json_int_t)s->held_out_alike, "dropped", s->dropped);
}

json_t *standings_write(const struct ladder *l, int64_t epoch_sec)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(list, write_standing(&l->list[i], epoch_sec));
	return list;
}

static int read_standing(const json_t *o, int64_t epoch_sec, struct standing *ret)
{
	json_int_t campaign, first, seen, since, ordered, actor, rollbacks, held_out, alike;
	const char *hello, *rung, *order, *note, *reason;
	int stopped, urged, dropped, r, order_at;
	struct standing s = { 0 };

	r = json_unpack((json_t *)o,
			"{s:I, s:I, s:s, s:I, s:s, s:I, s:b, s:s, s:b, s:I, s:I, s:s, s:I, s:s, "
			"s:I, s:I, s:b}",
			"campaign", &campaign, "first", &first, "hello", &hello, "seen", &seen,
			"rung", &rung, "since", &since, "stopped", &stopped, "order", &order,
			"urged", &urged, "ordered", &ordered, "actor", &actor, "note", &note,
			"rollbacks", &rollbacks, "reason", &reason, "held_out", &held_out,
			"held_out_alike", &alike, "dropped", &dropped);
	if (r < 0 || campaign < 1 || campaign > UINT32_MAX || actor < 0 || actor > UINT32_MAX)
		return -EBADMSG;
	r = find_rung(rung);
	order_at = find_order(order);
	if (r < 0 || order_at < 0)
		return -EBADMSG;
	s.campaign = (uint32_t)campaign;
	s.first_sec = from_unix(first, epoch_sec);
	s.hello_key = strtoull(hello, NULL, 16);
	s.seen_sec = from_unix(seen, epoch_sec);
	s.rung = (enum rung)r;
	s.since_sec = from_unix(since, epoch_sec);
	s.stopped = stopped;
	s.order = (enum order)order_at;
	s.urged = urged;
	s.order_sec = from_unix(ordered, epoch_sec);
	s.actor = (uint32_t)actor;
	s.rollbacks = (uint32_t)rollbacks;
	s.held_out = (uint32_t)held_out;
	s.held_out_alike = (uint32_t)alike;
	s.dropped = dropped;
	snprintf(s.note, sizeof(s.note), "%s", note);
	snprintf(s.reason, sizeof(s.reason), "%s", reason);
	*ret = s;
	return 0;
}

int standings_read(const json_t *list, int64_t epoch_sec, struct ladder *l, size_t *left_out)
{
	struct standing s;
	json_t *o;
	size_t i;
	int r;

	json_array_foreach((json_t *)list, i, o) {
		r = read_standing(o, epoch_sec, &s);
		if (r == 0)
			r = ladder_put(l, &s);
		if (r == -ENOMEM)
			return r;
		*left_out += r < 0;
	}
	return 0;
}

/* ---- re-entries ---- */

static size_t part_of(const struct prefix *p)
{
	return seine_mix64(seine_mix64(seine_addr_word(p->ip)) + seine_addr_word(p->ip + 8) +
			   p->len) %
	       PARTS;
}

json_t *reentries_write(const struct reentries *r, int64_t epoch_sec)
{
	json_t *list = json_array();

	for (size_t i = 0; i < PARTS; i++)
		json_array_append_new(list, json_array());
	for (size_t i = 0; i < r->n; i++) {
		const struct reentry *e = &r->list[i];
		char text[PREFIX_TEXT];
		json_int_t ended = epoch_sec + e->ended_sec;

		json_array_append_new(json_array_get(list, part_of(&e->prefix)),
				      json_pack("[s, I, I]", prefix_format(&e->prefix, text),
						(json_int_t)e->life_sec, ended));
	}
	return list;
}

static int read_reentry(const json_t *o, int64_t epoch_sec, struct reentry *ret)
{
	json_int_t life, ended;
	struct reentry e;
	const char *text;
	char why[128];

	if (json_unpack((json_t *)o, "[s, I, I]", &text, &life, &ended) < 0 || life < 0 ||
	    life > UINT32_MAX || prefix_parse(text, why, sizeof(why), &e.prefix) < 0)
		return -EBADMSG;
	e.life_sec = (uint32_t)life;
	e.ended_sec = ended - epoch_sec;
	*ret = e;
	return 0;
}

int reentries_read(const json_t *list, int64_t epoch_sec, struct reentries *r, size_t *left_out)
{
	json_t *part, *o;
	struct reentry e;
	size_t i, k;
	int error;

	json_array_foreach((json_t *)list, i, part) {
		json_array_foreach(part, k, o) {
			error = read_reentry(o, epoch_sec, &e);
			if (error == 0)
				error = reentries_append(r, &e);
			if (error == -ENOMEM)
				return error;
			*left_out += error < 0;
		}
	}
	reentries_sort(r);
	return 0;
}
