// SPDX-License-Identifier: GPL-2.0-or-later
/* The answer of a replay as JSON. */
#include <math.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/export/connection.h"
#include "user/judge/judge.h"
#include "user/kernel/datapath.h"
#include "user/replay/replay.h"

static json_t *unix_time(int64_t ns)
{
	return json_real((double)ns / 1e9);
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* ---- sources ---- */

static json_t *measure(struct samples *s)
{
	if (!s->n)
		return json_pack("{s:n, s:n}", "min", "median");
	return json_pack("{s:I, s:I}", "min", (json_int_t)s->min, "median",
			 (json_int_t)llround(samples_median(s)));
}

static json_t *ja4s(const struct tally *t, const struct counts *c)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < c->n; i++)
		json_object_set_new(o, tally_ja4(t, c->list[i].name), number(c->list[i].n));
	if (c->others)
		json_object_set_new(o, "others", number(c->others));
	return o;
}

/* Signatures that differ in what the notation leaves out read the same. */
static json_t *signatures(const struct tally *t, const struct counts *c)
{
	json_t *o = json_object();
	char text[SYN_TEXT];

	for (uint32_t i = 0; i < c->n; i++) {
		const char *name = tally_syn(t, c->list[i].name, text);
		json_int_t before = json_integer_value(json_object_get(o, name));

		json_object_set_new(o, name, json_integer(before + c->list[i].n));
	}
	if (c->others)
		json_object_set_new(o, "others", number(c->others));
	return o;
}

static json_t *gaps(const struct tally_proven *p)
{
	return json_pack("{s:o, s:o, s:o}", "none", number(p->gap[SEINE_GAP_NONE]), "single",
			 number(p->gap[SEINE_GAP_SINGLE]), "dual", number(p->gap[SEINE_GAP_DUAL]));
}

static json_t *kinds(const struct tally_proven *p)
{
	json_t *o = json_object();

	for (unsigned int i = 0; i < SEINE_TLS_KINDS; i++) {
		if (p->tls[i])
			json_object_set_new(o, tls_name(i), number(p->tls[i]));
	}
	return o;
}

static void put_proven(const struct tally *t, struct tally_proven *p, json_t *o)
{
	json_object_set_new(o, "connections", number(p->connections));
	json_object_set_new(o, "handshakes", number(p->handshakes));
	json_object_set_new(o, "requests", number(p->requests));
	json_object_set_new(o, "request_bytes", number(p->request_bytes));
	json_object_set_new(o, "response_bytes", number(p->response_bytes));
	json_object_set_new(o, "hellos", number(p->hellos));
	json_object_set_new(o, "ja4", ja4s(t, &p->ja4));
	json_object_set_new(o, "syn_signature", signatures(t, &p->syn));
	json_object_set_new(o, "rtt_tcp_us", measure(&p->rtt));
	json_object_set_new(o, "g1_us", measure(&p->g1));
	json_object_set_new(o, "delta_us", measure(&p->delta));
	json_object_set_new(o, "gap", gaps(p));
	json_object_set_new(o, "tls", kinds(p));
}

static json_t *source(const struct tally *t, const struct tally_source *row)
{
	static struct tally_proven none;
	json_t *o = json_pack("{s:o, s:o, s:o, s:o}", "source", answer_address(row->ip), "packets",
			      number(row->packets), "bytes", number(row->bytes), "syn",
			      number(row->syn));

	if (o)
		put_proven(t, row->proven ? row->proven : &none, o);
	return o;
}

/* Of all sources together. */
static json_t *all(struct tally *t)
{
	json_t *o = json_object();

	put_proven(t, tally_all(t), o);
	return o;
}

struct ranked {
	const struct tally_source *row;
};

static uint64_t requests_of(const struct tally_source *row)
{
	return row->proven ? row->proven->requests : 0;
}

static uint32_t connections_of(const struct tally_source *row)
{
	return row->proven ? row->proven->connections : 0;
}

/* Who asked for most comes first; then who connected most, then who sent most. */
static int by_work(const void *a, const void *b)
{
	const struct tally_source *x = ((const struct ranked *)a)->row;
	const struct tally_source *y = ((const struct ranked *)b)->row;

	if (requests_of(x) != requests_of(y))
		return requests_of(x) < requests_of(y) ? 1 : -1;
	if (connections_of(x) != connections_of(y))
		return connections_of(x) < connections_of(y) ? 1 : -1;
	if (x->packets != y->packets)
		return x->packets < y->packets ? 1 : -1;
	return memcmp(x->ip, y->ip, sizeof(x->ip));
}

static json_t *sources(const struct tally *t, size_t max)
{
	size_t n = tally_count(t);
	_cleanup_(freep) struct ranked *rows = calloc(n + 1, sizeof(*rows));
	json_t *list = json_array();

	if (!rows)
		return list;
	for (size_t i = 0; i < n; i++)
		rows[i].row = tally_source(t, i);
	qsort(rows, n, sizeof(*rows), by_work);
	for (size_t i = 0; i < n && i < max; i++)
		json_array_append_new(list, source(t, rows[i].row));
	return list;
}

/* ---- campaigns and drops ---- */

static json_t *evidence(const struct campaign *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < FAMILY_MAX; i++) {
		const struct evidence *e = &c->evidence[i];
		char text[SENTENCE_SIZE];

		evidence_sentence(c, i, text, sizeof(text));
		json_object_set_new(o, family_name(i),
				    json_pack("{s:b, s:f, s:f, s:f, s:f, s:f, s:o}", "holds",
					      e->holds, "p", e->p, "observed", e->observed, "of",
					      e->of, "expected", e->expected, "baseline",
					      e->baseline, "text",
					      answer_text(text, sizeof(text))));
	}
	return o;
}

static json_t *members(const struct campaign *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_members; i++)
		json_array_append_new(list, answer_address(c->members[i].source));
	return list;
}

static json_t *prefixes(const struct campaign *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_prefixes; i++)
		json_array_append_new(list, answer_prefix(&c->prefixes[i].prefix));
	return list;
}

static json_t *campaign(const struct replay *r, const struct campaign *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:o, s:o}", "id",
			 answer_campaign(c->id), "sources", number(c->n_members), "cohort",
			 number(c->sources), "shared", number(c->shared), "requests",
			 number(c->requests), "hello", answer_key(c->hello_key), "gap_low_ms",
			 c->gap_low_ms, "gap_high_ms", c->gap_high_ms, "first",
			 replay_unix(r, c->first_sec * 1000000000ull), "last",
			 replay_unix(r, c->last_sec * 1000000000ull), "q", c->q_value, "evidence",
			 evidence(c), "members", members(c));
}

static json_t *campaigns(const struct replay *r)
{
	json_t *list = json_array();

	for (size_t i = 0; r->mind->campaigns && i < r->mind->campaigns->n; i++) {
		json_t *o = campaign(r, &r->mind->campaigns->list[i]);

		if (o)
			json_object_set_new(o, "prefixes", prefixes(&r->mind->campaigns->list[i]));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *drops(const struct replay *r)
{
	const struct entries *e = r->mind->judgement ? r->mind->judgement->automatic : NULL;
	json_t *list = json_array();

	for (size_t i = 0; e && i < e->n; i++) {
		const struct seine_entry *row = &e->list[i].row;

		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "prefix",
						      answer_prefix(&e->list[i].prefix), "hello",
						      answer_key(row->hello_key), "campaign",
						      answer_campaign(row->campaign), "reason",
						      answer_text(row->note, sizeof(row->note))));
	}
	return list;
}

/* ---- all of it ---- */

static json_t *stats(const struct replay *r)
{
	struct seine_stats s = { 0 };
	json_t *o = json_object();

	if (datapath_stats(r->datapath, &s) < 0)
		return o;
#define X(name, text) json_object_set_new(o, #name, number(s.name));
	SEINE_COUNTERS(X)
#undef X
	return o;
}

static json_t *input(const struct replay *r)
{
	struct hellos_stats h;

	hellos_stats(r->hellos, &h);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "frames",
			 number(r->input.frames), "runts", number(r->input.runts), "cut",
			 number(r->input.cut), "snapped", number(r->input.snapped), "offloaded",
			 number(r->input.offloaded), "time_back", number(r->input.back),
			 "time_leaps", number(r->input.leaps), "rounds", number(r->rounds),
			 "hellos_bad", number(h.bad), "hellos_unproven", number(r->unproven),
			 "hellos_quic", number(r->quic));
}

json_t *replay_result(struct replay *r, size_t max_sources)
{
	struct tally_source sum;
	json_t *o = answer_new("replay");

	if (!o)
		return NULL;
	tally_sum(r->tally, &sum);
	json_object_set_new(o, "packets", number(sum.packets));
	json_object_set_new(o, "bytes", number(sum.bytes));
	json_object_set_new(o, "syn", number(sum.syn));
	json_object_set_new(o, "first", unix_time(r->input.first_ns));
	json_object_set_new(o, "last", unix_time(r->input.last_ns));
	json_object_set_new(o, "capture", input(r));
	json_object_set_new(o, "stats", stats(r));
	json_object_set_new(o, "all", all(r->tally));
	json_object_set_new(o, "sources", sources(r->tally, max_sources));
	json_object_set_new(o, "sources_seen", number(tally_count(r->tally)));
	if (tally_others(r->tally)->packets)
		json_object_set_new(o, "others", source(r->tally, tally_others(r->tally)));
	json_object_set_new(o, "campaigns", campaigns(r));
	json_object_set_new(o, "drops", drops(r));
	return o;
}
