/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A campaign as it lies on the disk. See record.h. */
#include "user/store/record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/pack.h"

#define MEMBERS_MAX (1u << 24)
#define PREFIXES_MAX (1u << 20)

/* Fields by the way they are kept. */
#define TIMES(X) X(first_sec) X(last_sec) X(ended_sec) X(grown_sec)
#define COUNTS(X) \
	X(replaces) \
	X(found) \
	X(grown_from) \
	X(members_max) \
	X(seeds) X(sources) X(requests) X(shared) X(idle) X(fleeting)
#define REALS(X) \
	X(rate) \
	X(rate_max) \
	X(networks) \
	X(log_request) \
	X(log_response) X(p_combined) X(q_value) X(gap_low_ms) X(gap_high_ms) X(lfdr_max)

/* ---- writing ---- */

static void put_u64(json_t *o, const char *name, uint64_t v)
{
	json_object_set_new(o, name, json_integer((json_int_t)v));
}

/* JSON has no infinity; none of these may be one. */
static void put_real(json_t *o, const char *name, double v)
{
	json_object_set_new(o, name, json_real(isfinite(v) ? v : 0));
}

static json_t *write_prefix(const struct prefix *p)
{
	char text[PREFIX_TEXT];

	return json_string(prefix_format(p, text));
}

static json_t *write_evidence(const struct campaign *c)
{
	json_t *list = json_array();

	for (int f = 0; f < FAMILY_MAX; f++) {
		const struct evidence *e = &c->evidence[f];
		json_t *o = json_object();

		json_object_set_new(o, "family", json_string(family_name(f)));
		put_real(o, "p", e->p);
		put_real(o, "observed", e->observed);
		put_real(o, "of", e->of);
		put_real(o, "expected", e->expected);
		put_real(o, "baseline", e->baseline);
		put_real(o, "p_without", c->p_without[f]);
		json_object_set_new(o, "holds", json_boolean(e->holds));
		json_object_set_new(o, "stands_without", json_boolean(c->stands_without[f]));
		put_u64(o, "test", e->test);
		put_u64(o, "asn", e->asn);
		json_object_set_new(o, "where", write_prefix(&e->where));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *write_prefixes(const struct campaign *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_prefixes; i++) {
		const struct net_finding *n = &c->prefixes[i];
		json_t *o = json_object();

		json_object_set_new(o, "prefix", write_prefix(&n->prefix));
		put_u64(o, "members", n->members);
		put_u64(o, "sources", n->sources);
		put_u64(o, "outsiders", n->outsiders);
		put_real(o, "purity", n->purity);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *write_seen(const struct campaign *c, int64_t epoch_sec)
{
	json_t *o = json_object();

	for (int w = 0; w < WINDOWS; w++)
		put_u64(o, window_name(w), (uint64_t)sec_to_unix(c->seen_sec[w], epoch_sec));
	return o;
}

json_t *record_write(const struct campaign *c, int64_t epoch_sec)
{
	json_t *o = json_object();

	if (!o)
		return NULL;
	put_u64(o, "id", c->id);
	put_u64(o, "hello_key", c->hello_key); /* its 64 bits as a signed number */
	put_u64(o, "gap", c->gap);
	json_object_set_new(o, "window", json_string(window_name(c->window)));
	json_object_set_new(o, "seen", write_seen(c, epoch_sec));
#define X(field) put_u64(o, #field, (uint64_t)sec_to_unix(c->field, epoch_sec));
	TIMES(X)
#undef X
#define X(field) put_u64(o, #field, c->field);
	COUNTS(X)
#undef X
#define X(field) put_real(o, #field, (double)c->field);
	REALS(X)
#undef X
	json_object_set_new(o, "evidence", write_evidence(c));
	json_object_set_new(o, "prefixes", write_prefixes(c));
	return o;
}

int members_write(const struct campaign *c, int64_t epoch_sec, uint8_t **ret, size_t *ret_size)
{
	uint8_t *bytes = malloc(c->n_members * MEMBER_BYTES + 1);

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_members; i++)
		member_pack(&c->members[i], epoch_sec, bytes + i * MEMBER_BYTES);
	*ret = bytes;
	*ret_size = c->n_members * MEMBER_BYTES;
	return 0;
}

/* ---- reading ---- */

static uint64_t get_u64(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

static uint32_t get_u32(const json_t *o, const char *name)
{
	uint64_t v = get_u64(o, name);

	return v > UINT32_MAX ? 0 : (uint32_t)v;
}

static uint32_t get_sec(const json_t *o, const char *name, int64_t epoch_sec)
{
	return sec_from_unix(json_integer_value(json_object_get(o, name)), epoch_sec);
}

static double get_real(const json_t *o, const char *name)
{
	double v = json_number_value(json_object_get(o, name));

	return isfinite(v) ? v : 0;
}

static int read_prefix(const json_t *text, struct prefix *ret)
{
	char why[128];

	if (!json_is_string(text) ||
	    prefix_parse(json_string_value(text), why, sizeof(why), ret) < 0)
		return -EBADMSG;
	return 0;
}

static int read_window(const json_t *name, enum window *ret)
{
	for (int w = 0; w < WINDOWS; w++) {
		if (json_is_string(name) && !strcmp(json_string_value(name), window_name(w))) {
			*ret = w;
			return 0;
		}
	}
	return -EBADMSG;
}

static void read_evidence(const json_t *list, struct campaign *c)
{
	const json_t *o;
	size_t i;

	for (int f = 0; f < FAMILY_MAX; f++)
		c->evidence[f] = (struct evidence){ .family = f, .p = 1 };
	json_array_foreach(list, i, o) {
		const char *name = json_string_value(json_object_get(o, "family"));
		int f = 0;

		while (f < FAMILY_MAX && (!name || strcmp(name, family_name(f)) != 0))
			f++;
		if (f == FAMILY_MAX)
			continue;
		c->evidence[f] = (struct evidence){
			.family = f,
			.p = get_real(o, "p"),
			.holds = json_is_true(json_object_get(o, "holds")),
			.observed = get_real(o, "observed"),
			.of = get_real(o, "of"),
			.expected = get_real(o, "expected"),
			.baseline = get_real(o, "baseline"),
			.test = get_u32(o, "test"),
			.asn = get_u32(o, "asn"),
		};
		(void)read_prefix(json_object_get(o, "where"), &c->evidence[f].where);
		c->p_without[f] = get_real(o, "p_without");
		c->stands_without[f] = json_is_true(json_object_get(o, "stands_without"));
	}
}

static int net_compare(const void *a, const void *b)
{
	const struct net_finding *x = a, *y = b;
	int r = memcmp(x->prefix.ip, y->prefix.ip, sizeof(x->prefix.ip));

	return r ? r : (x->prefix.len > y->prefix.len) - (x->prefix.len < y->prefix.len);
}

static int read_prefixes(const json_t *list, struct campaign *c)
{
	size_t n = json_array_size(list);

	if (n > PREFIXES_MAX)
		return -EBADMSG;
	c->prefixes = calloc(n + 1, sizeof(*c->prefixes));
	if (!c->prefixes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);
		struct net_finding *found = &c->prefixes[i];

		if (read_prefix(json_object_get(o, "prefix"), &found->prefix) < 0)
			return -EBADMSG;
		found->members = get_u32(o, "members");
		found->sources = get_u32(o, "sources");
		found->outsiders = get_u32(o, "outsiders");
		found->purity = get_real(o, "purity");
	}
	c->n_prefixes = n;
	qsort(c->prefixes, n, sizeof(*c->prefixes), net_compare);
	return 0;
}

int record_read(const json_t *record, int64_t epoch_sec, struct campaign *ret)
{
	struct campaign c = {
		.id = get_u32(record, "id"),
		.hello_key = get_u64(record, "hello_key"),
		.gap = get_u32(record, "gap"),
	};
	const json_t *seen = json_object_get(record, "seen");
	int r;

	if (!c.id || c.gap > SEINE_GAP_DUAL ||
	    read_window(json_object_get(record, "window"), &c.window) < 0)
		return -EBADMSG;
	for (int w = 0; w < WINDOWS; w++)
		c.seen_sec[w] = get_sec(seen, window_name(w), epoch_sec);
#define X(field) c.field = get_sec(record, #field, epoch_sec);
	TIMES(X)
#undef X
#define X(field) c.field = (__typeof__(c.field))get_u64(record, #field);
	COUNTS(X)
#undef X
#define X(field) c.field = (__typeof__(c.field))get_real(record, #field);
	REALS(X)
#undef X
	read_evidence(json_object_get(record, "evidence"), &c);
	r = read_prefixes(json_object_get(record, "prefixes"), &c);
	if (r < 0) {
		free(c.prefixes);
		return r;
	}
	*ret = c;
	return 0;
}

static int member_compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return memcmp(x->source, y->source, sizeof(x->source));
}

int members_read(const uint8_t *at, size_t size, int64_t epoch_sec, struct campaign *c)
{
	_cleanup_(freep) struct member *list = NULL;
	size_t n = size / MEMBER_BYTES, kept = 0;

	if (size % MEMBER_BYTES || n > MEMBERS_MAX)
		return -EBADMSG;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (member_unpack(at + i * MEMBER_BYTES, epoch_sec, &list[i]) < 0)
			return -EBADMSG;
	/* They are looked up by address, each once. */
	qsort(list, n, sizeof(*list), member_compare);
	for (size_t i = 0; i < n; i++)
		if (!kept || member_compare(&list[kept - 1], &list[i]) != 0)
			list[kept++] = list[i];
	c->members = take_ptr(list);
	c->n_members = kept;
	return 0;
}
