/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `src` and `net`: what is known of sources and of prefixes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/rank.h"
#include "user/control/request.h"
#include "user/requests.h"
#include "user/sight/syn_text.h"

/* First those with most; by address where they are equal, so that two calls show one order. */
#define MORE(a, b) (((a) < (b)) - ((a) > (b)))
#define BY_FEATURE(name, expression) \
	static int by_##name(const void *a_, const void *b_) \
	{ \
		const struct features *a = a_, *b = b_, *f = a; \
		double of_a = (expression), of_b; \
\
		f = b; \
		of_b = (expression); \
		return of_a != of_b ? MORE(of_a, of_b) : memcmp(a->source, b->source, 16); \
	}

BY_FEATURE(requests, f->requests)
BY_FEATURE(connections, f->connections)
BY_FEATURE(last, -(double)f->idle_sec)
BY_FEATURE(gap, f->gap_ms)
BY_FEATURE(rtt, f->rtt_ms)
BY_FEATURE(stacks, f->stacks)
BY_FEATURE(bytes, f->request_bytes + f->response_bytes)

static const char *const source_sorts[] = { "requests", "connections", "last",	"gap",
					    "rtt",	"stacks",      "bytes", NULL };
static const rank_compare source_orders[] = { by_requests, by_connections, by_last, by_gap,
					      by_rtt,	   by_stacks,	   by_bytes };
_Static_assert(ARRAY_LEN(source_sorts) == ARRAY_LEN(source_orders) + 1, "one order a name");

const struct campaign *request_campaign_of(const struct agent *a, const uint8_t source[16])
{
	for (size_t i = 0; a->mind->campaigns && i < a->mind->campaigns->n; i++)
		if (!a->mind->campaigns->list[i].ended_sec &&
		    campaign_member(&a->mind->campaigns->list[i], source))
			return &a->mind->campaigns->list[i];
	return NULL;
}

struct prefix request_source_of(const struct agent *a, const struct prefix *address)
{
	if (prefix_is_v4(address) || a->conf.source_bits >= address->len)
		return *address;
	return prefix_parent(address, a->conf.source_bits);
}

/* What would hit the whole source. */
static json_t *entry_action(const struct agent *a, const uint8_t source[16])
{
	struct prefix p = prefix_of(source, 128);
	const struct entry *e = a->entries ? entries_match(a->entries, &p) : NULL;

	return e ? json_string(action_name(e->row.action)) : json_null();
}

static json_t *gaps(const struct features *f)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "none", (json_int_t)f->gap_none, "single",
			 (json_int_t)f->gap_single, "dual", (json_int_t)f->gap_dual, "unknown",
			 (json_int_t)f->gap_unknown);
}

json_t *json_features(const struct agent *a, const struct features *f, const struct moment *m)
{
	const struct campaign *c = request_campaign_of(a, f->source);

	return json_pack("{s:o, s:I, s:I, s:I, s:o, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:I, "
			 "s:I, s:o, s:o}",
			 "source", answer_address(f->source), "requests", (json_int_t)f->requests,
			 "connections", (json_int_t)f->connections, "handshakes",
			 (json_int_t)f->handshakes, "gap", gaps(f), "gap_ms", (double)f->gap_ms,
			 "rtt_ms", (double)f->rtt_ms, "stacks", (double)f->stacks, "request_bytes",
			 f->request_bytes, "response_bytes", f->response_bytes, "hello",
			 answer_key(f->hello_key), "hello_name", json_hello_name(a, f->hello_key),
			 "last", json_time(m, m->now_sec - f->idle_sec), "idle_sec",
			 (json_int_t)f->idle_sec, "age_sec", (json_int_t)f->age_sec, "campaign",
			 answer_campaign(c ? c->id : 0), "entry", entry_action(a, f->source));
}

static json_t *source_row(struct agent *a, const void *row, const struct moment *m)
{
	return json_features(a, row, m);
}

int request_src(struct agent *a, const json_t *request, const struct moment *m, char *why,
		struct answer *ret)
{
	_cleanup_(freep) struct features *all = NULL;
	_cleanup_(freep) const void **rows = NULL;
	struct request_rows wanted;
	struct rank rank;
	size_t n = 0, total = 0;
	int r;

	r = request_rows(request, source_sorts, why, &wanted);
	if (r == 0)
		r = observations_features(a->mind->observations, WINDOW_DAY, m->now_sec, &all, &n);
	if (r < 0)
		return r;
	rows = calloc(wanted.limit, sizeof(*rows));
	if (!rows)
		return -ENOMEM;

	rank_init(&rank, source_orders[wanted.sort], rows, wanted.limit);
	for (size_t i = 0; i < n; i++) {
		struct prefix p = prefix_of(all[i].source, 128);

		if (!prefix_covers(&wanted.within, &p))
			continue;
		total++;
		rank_add(&rank, &all[i]);
	}
	rank_sort(&rank);

	ret->head = answer_new("src");
	json_object_set_new(ret->head, "total", json_integer(total));
	json_object_set_new(ret->head, "window_sec", json_integer(a->conf.window_sec));
	return request_put_rows(a, m, "sources", rows, rank.n, sizeof(*all), source_row, ret);
}

static json_t *histogram(const uint32_t *bins)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < SEINE_BINS; i++)
		json_array_append_new(list, json_integer(bins[i]));
	return list;
}

/* All that the kernel has counted since the source was first seen. */
static json_t *totals(const struct seine_source *row, const struct moment *m)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
			 "s:I, s:o, s:o, s:o}",
			 "first", json_time(m, row->first_sec), "last", json_time(m, row->last_sec),
			 "packets", (json_int_t)row->packets, "bytes", (json_int_t)row->bytes,
			 "connections", (json_int_t)row->connections, "handshakes",
			 (json_int_t)row->handshakes, "resets", (json_int_t)row->resets, "requests",
			 (json_int_t)row->requests, "request_bytes", (json_int_t)row->request_bytes,
			 "response_bytes", (json_int_t)row->response_bytes, "rtt_min_us",
			 (json_int_t)row->rtt_min_us, "hello_changes",
			 (json_int_t)row->hello_changes, "syn_changes",
			 (json_int_t)row->syn_changes, "open", (json_int_t)row->open, "open_max",
			 (json_int_t)row->open_max, "request_hist", histogram(row->request_hist),
			 "response_hist", histogram(row->response_hist), "think_hist",
			 histogram(row->think_hist));
}

int request_source(struct agent *a, const json_t *request, const struct moment *m, char *why,
		   struct answer *ret)
{
	struct prefix address, source;
	struct seine_source row;
	struct seine_addr key;
	struct features f;
	char text[PREFIX_TEXT], syn[SYN_TEXT];
	int r;

	r = request_address(request, why, &address);
	if (r < 0)
		return r;
	source = request_source_of(a, &address);
	memcpy(key.ip, source.ip, sizeof(key.ip));
	r = datapath_source(a->datapath, &key, &row);
	if (r < 0)
		return request_fail(r, why, "%s: %s", prefix_format(&address, text),
				    r == -ENOENT ? "no proven connection from there"
						 : strerror(-r));

	ret->head = answer_new("source");
	json_object_set_new(ret->head, "address", answer_prefix(&source));
	json_object_set_new(ret->head, "totals", totals(&row, m));
	json_object_set_new(ret->head, "syn", json_string(syn_format(&row.syn, syn)));
	json_object_set_new(ret->head, "window_sec", json_integer(a->conf.window_sec));
	r = observations_find(a->mind->observations, key.ip, WINDOW_DAY, m->now_sec, &f);
	json_object_set_new(ret->head, "source", r == 0 ? json_features(a, &f, m) : json_null());
	return 0;
}

/* --- Prefixes --------------------------------------------------------------------------------- */

struct net_row {
	struct prefix prefix;
	struct seine_net net;
};

struct net_rows {
	struct net_row *list;
	size_t n, room;
	struct prefix within;
};

static void net_rows_freep(struct net_rows *rows)
{
	free(rows->list);
}

#define BY_NET(name) \
	static int nets_by_##name(const void *a_, const void *b_) \
	{ \
		const struct net_row *a = a_, *b = b_; \
\
		return a->net.name != b->net.name ? MORE(a->net.name, b->net.name) \
						  : prefix_compare(&a->prefix, &b->prefix); \
	}

BY_NET(sources)
BY_NET(requests)
BY_NET(connections)
BY_NET(syns)
BY_NET(bytes)
BY_NET(last_sec)

static const char *const net_sorts[] = { "sources", "requests", "connections", "syns",
					 "bytes",   "last",	NULL };
static const rank_compare net_orders[] = { nets_by_sources, nets_by_requests, nets_by_connections,
					   nets_by_syns,    nets_by_bytes,    nets_by_last_sec };
_Static_assert(ARRAY_LEN(net_sorts) == ARRAY_LEN(net_orders) + 1, "one order a name");

/* The key says an address only: IPv4 is counted in /24s and IPv6 in /48s, and ::/0 is the overflow
 * row. */
static struct prefix net_prefix(const struct seine_addr *key)
{
	struct prefix p = prefix_of(key->ip, 128);
	static const struct seine_addr overflow;

	if (memcmp(key, &overflow, sizeof(overflow)) == 0)
		return (struct prefix){ 0 };
	return prefix_parent(&p, prefix_is_v4(&p) ? 120 : 48);
}

static int collect_net(const struct seine_addr *key, const struct seine_net *net, void *arg)
{
	struct net_rows *rows = arg;
	struct net_row row = { .prefix = net_prefix(key), .net = *net };

	if (!prefix_overlaps(&rows->within, &row.prefix))
		return 0;
	if (rows->n == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 1024;
		struct net_row *list = realloc(rows->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		rows->list = list;
		rows->room = room;
	}
	rows->list[rows->n++] = row;
	return 0;
}

static json_t *json_net(struct agent *a, const void *arg, const struct moment *m)
{
	const struct net_row *row = arg;
	const struct seine_net *net = &row->net;

	(void)a;
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I}", "prefix",
			 row->prefix.len ? answer_prefix(&row->prefix) : json_null(), "sources",
			 (json_int_t)net->sources, "syns", (json_int_t)net->syns, "connections",
			 (json_int_t)net->connections, "requests", (json_int_t)net->requests,
			 "resets", (json_int_t)net->resets, "packets", (json_int_t)net->packets,
			 "bytes", (json_int_t)net->bytes, "first", json_time(m, net->first_sec),
			 "last", json_time(m, net->last_sec), "idle_sec",
			 (json_int_t)(m->now_sec > net->last_sec ? m->now_sec - net->last_sec : 0));
}

int request_net(struct agent *a, const json_t *request, const struct moment *m, char *why,
		struct answer *ret)
{
	_cleanup_(net_rows_freep) struct net_rows all = { 0 };
	_cleanup_(freep) const void **rows = NULL;
	struct request_rows wanted;
	struct rank rank;
	int r;

	r = request_rows(request, net_sorts, why, &wanted);
	if (r < 0)
		return r;
	all.within = wanted.within;
	r = datapath_nets(a->datapath, collect_net, &all);
	if (r < 0)
		return request_fail(r, why, "prefix table: %s", strerror(-r));
	rows = calloc(wanted.limit, sizeof(*rows));
	if (!rows)
		return -ENOMEM;

	rank_init(&rank, net_orders[wanted.sort], rows, wanted.limit);
	for (size_t i = 0; i < all.n; i++)
		rank_add(&rank, &all.list[i]);
	rank_sort(&rank);

	ret->head = answer_new("net");
	json_object_set_new(ret->head, "total", json_integer(all.n));
	return request_put_rows(a, m, "prefixes", rows, rank.n, sizeof(*all.list), json_net, ret);
}
