/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom entries would hit, against counting it the slow way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/judge/impact.h"

#define SOURCES 800
#define ENTRIES 60
#define KEYS 3
#define UNITS 65536 /* addresses of 10.1.0.0/16, or /64s of 2001:db8::/48 */

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
	random_state += 0x9e3779b97f4a7c15ull;
	return (uint32_t)(seine_mix64(random_state) >> 16) % n;
}

struct place {
	struct member members[2][SOURCES];
	struct campaign list[2];
	struct campaigns campaigns;
	struct features f[SOURCES];
	struct entries *entries;
	uint32_t v6_source;
};

static void address_of(bool v4, uint32_t unit, uint8_t ret[16])
{
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 10, 1 };
	unsigned int at = v4 ? 14 : 6;

	memcpy(ret, v4 ? mapped : v6, 16);
	ret[at] = (uint8_t)(unit >> 8);
	ret[at + 1] = (uint8_t)unit;
}

/* Half of all sources crowd where half of all entries are. */
static uint32_t unit(void)
{
	return below(2) ? below(512) : below(UNITS);
}

static int member_compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void add_member(struct campaign *c, const struct features *f)
{
	memcpy(c->members[c->n_members++].source, f->source, 16);
}

static void fill_sources(struct place *p)
{
	for (size_t i = 0; i < SOURCES; i++) {
		struct features *f = &p->f[i];
		bool v4 = below(2), taken = false;

		address_of(v4, unit(), f->source);
		if (!v4) {
			struct prefix source = prefix_of(f->source, p->v6_source);

			memcpy(f->source, source.ip, 16);
		}
		for (size_t k = 0; k < i && !taken; k++)
			taken = !memcmp(f->source, p->f[k].source, 16);
		if (taken) {
			i--;
			continue;
		}
		f->hello_key = 1 + below(KEYS);
		f->requests = (uint32_t)(1 + i * 7 % SOURCES); /* all different */
		f->gap_none = below(5);
		f->gap_dual = below(5);
		if (below(4) == 0)
			add_member(&p->list[below(2)], f);
	}
	for (size_t i = 0; i < 2; i++)
		qsort(p->list[i].members, p->list[i].n_members, sizeof(struct member),
		      member_compare);
}

static void fill_entries(struct place *p)
{
	assert_int_equal(entries_new(ENTRIES, &p->entries), 0);
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry e = { .row.hello_key = below(3) ? 0 : 1 + below(KEYS) };
		bool v4 = below(2);
		uint8_t ip[16];

		e.row.campaign = below(3); /* 0: none */
		address_of(v4, unit(), ip);
		if (v4) {
			e.prefix = prefix_of(ip, 128 - below(12));
		} else {
			ip[15] = (uint8_t)below(3);
			e.prefix = prefix_of(ip, below(4) ? 64 - below(12) : 128);
		}
		assert_int_equal(entries_put(p->entries, &e), 0);
	}
}

static struct place *place_new(uint64_t seed, uint32_t v6_source)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	random_state = seed;
	p->v6_source = v6_source;
	for (uint32_t i = 0; i < 2; i++)
		p->list[i] = (struct campaign){
			.id = i + 1,
			.hello_key = i + 1,
			.members = p->members[i],
			.ended_sec = i, /* the second one has ended */
		};
	p->campaigns = (struct campaigns){ .list = p->list, .n = 2 };
	fill_sources(p);
	fill_entries(p);
	return p;
}

static void place_freep(struct place **p)
{
	entries_free((*p)->entries);
	free(*p);
}

/* ---- the slow way ---- */

static uint64_t space(const struct place *p, bool v4)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < UNITS; i++) {
		struct prefix unit;
		bool covered = false;
		uint8_t ip[16];

		address_of(v4, i, ip);
		unit = prefix_of(ip, v4 ? 128 : 64);
		for (size_t k = 0; k < p->entries->n && !covered; k++)
			covered = prefix_overlaps(&p->entries->list[k].prefix, &unit);
		n += covered;
	}
	return n;
}

/* Of entries for parts of one source none is longer than the other: the last one decides. */
static unsigned int reach(const struct place *p, const struct prefix *prefix)
{
	return prefix_is_v4(prefix) || prefix->len < p->v6_source ? prefix->len : p->v6_source;
}

static const struct entry *longest(const struct place *p, const struct features *f)
{
	struct prefix source = prefix_of(f->source, 128);
	const struct entry *best = NULL;

	if (!prefix_is_v4(&source))
		source = prefix_of(f->source, p->v6_source);
	for (size_t i = 0; i < p->entries->n; i++) {
		const struct entry *e = &p->entries->list[i];

		if (!prefix_overlaps(&e->prefix, &source))
			continue;
		if (e->row.hello_key && e->row.hello_key != f->hello_key)
			continue;
		if (!best || reach(p, &e->prefix) >= reach(p, &best->prefix))
			best = e;
	}
	return best;
}

static bool is_honest(const struct place *p, const struct entry *e, const struct features *f)
{
	bool own = !e->row.campaign || p->list[e->row.campaign - 1].hello_key == f->hello_key;

	return !(own && f->gap_dual > f->gap_none);
}

static struct impact slowly(const struct place *p)
{
	struct impact ret = { space(p, true), space(p, false) };
	bool taken[SOURCES] = { false }, honest[SOURCES] = { false };

	for (size_t i = 0; i < SOURCES; i++) {
		const struct features *f = &p->f[i];
		const struct entry *e = longest(p, f);

		if (!e)
			continue;
		ret.sources++;
		if (campaign_member(&p->list[0], f->source)) {
			ret.members++;
		} else if (is_honest(p, e, f)) {
			honest[i] = true;
			ret.honest++;
			ret.honest_requests += f->requests;
		}
	}
	for (uint32_t k = 0; k < IMPACT_EXAMPLES && k < ret.honest; k++) {
		size_t best = SOURCES;

		for (size_t i = 0; i < SOURCES; i++)
			if (honest[i] && !taken[i] &&
			    (best == SOURCES || p->f[i].requests > p->f[best].requests))
				best = i;
		taken[best] = true;
		memcpy(ret.examples[ret.n_examples++], p->f[best].source, 16);
	}
	return ret;
}

/* ---- tests ---- */

static struct impact quickly(const struct place *p)
{
	struct impact_view view = { 0 };
	struct impact ret;

	assert_int_equal(impact_view_new(&p->campaigns, p->f, SOURCES, p->v6_source, &view), 0);
	assert_int_equal(impact_of(&view, p->entries->list, p->entries->n, &ret), 0);
	impact_view_clear(&view);
	return ret;
}

static void test_as_the_slow_way(void **state)
{
	uint64_t honest = 0, members = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		_cleanup_(place_freep) struct place *p = place_new(seed, seed % 4 ? 64 : 56);
		struct impact fast = quickly(p), slow = slowly(p);

		assert_int_equal(fast.addresses_v4, slow.addresses_v4);
		assert_int_equal(fast.networks_v6, slow.networks_v6);
		assert_int_equal(fast.sources, slow.sources);
		assert_int_equal(fast.members, slow.members);
		assert_int_equal(fast.honest, slow.honest);
		assert_int_equal(fast.honest_requests, slow.honest_requests);
		assert_int_equal(fast.n_examples, slow.n_examples);
		assert_memory_equal(fast.examples, slow.examples, sizeof(fast.examples));
		honest += fast.honest;
		members += fast.members;
	}
	assert_true(honest > 1000 && members > 500);
}

/* What the view says of everybody, and each entry alone. */
static void test_one_by_one(void **state)
{
	_cleanup_(place_freep) struct place *p = place_new(77, 64);
	struct impact_view view = { 0 };
	uint64_t requests = 0, honest = 0;

	(void)state;
	assert_int_equal(impact_view_new(&p->campaigns, p->f, SOURCES, 64, &view), 0);
	for (size_t i = 0; i < SOURCES; i++) {
		bool member = campaign_member(&p->list[0], p->f[i].source);

		honest += !member;
		requests += member ? 0 : p->f[i].requests;
	}
	assert_int_equal(view.honest, honest);
	assert_int_equal(view.requests, requests);
	for (size_t i = 0; i < p->entries->n; i++) {
		struct entries one = { .list = &p->entries->list[i], .n = 1 };
		struct entries *all = p->entries;
		struct impact fast, slow;

		p->entries = &one;
		slow = slowly(p);
		assert_int_equal(impact_of(&view, one.list, 1, &fast), 0);
		assert_memory_equal(&fast, &slow, sizeof(fast));
		p->entries = all;
	}
	impact_view_clear(&view);
}

/* What a prefix adds is what the list grows by. */
static void test_space_added(void **state)
{
	(void)state;
	for (uint64_t seed = 100; seed < 120; seed++) {
		_cleanup_(place_freep) struct place *p = place_new(seed, 64);
		struct entries *all = p->entries, grown = { 0 };
		uint64_t v4 = 0, v6 = 0;

		grown.list = calloc(all->n, sizeof(*grown.list));
		assert_non_null(grown.list);
		grown.room = all->n;
		for (size_t i = 0; i < all->n; i++) {
			const struct entry *e = &all->list[i * 37 % all->n];

			if (e->prefix.len > 64 && !prefix_is_v4(&e->prefix))
				continue; /* never automatic */
			if (prefix_is_v4(&e->prefix))
				v4 += impact_space_added(&grown, &e->prefix);
			else
				v6 += impact_space_added(&grown, &e->prefix);
			assert_int_equal(entries_put(&grown, e), 0);
		}
		p->entries = &grown;
		assert_int_equal(v4, space(p, true));
		assert_int_equal(v6, space(p, false));
		p->entries = all;
		free(grown.list);
	}
}

static struct prefix prefix(const char *text)
{
	struct prefix p;
	char why[120];

	if (prefix_parse(text, why, sizeof(why), &p) < 0)
		fail_msg("%s", why);
	return p;
}

static void test_space(void **state)
{
	static const struct {
		const char *prefix;
		uint64_t space;
	} rows[] = {
		{ "192.0.2.1", 1 },	    { "192.0.2.0/24", 256 },	 { "198.51.96.0/20", 4096 },
		{ "10.0.0.0/8", 1 << 24 },  { "2001:db8::/64", 1 },	 { "2001:db8::1", 1 },
		{ "2001:db8::/48", 65536 }, { "2001::/16", 1ull << 48 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct prefix p = prefix(rows[i].prefix);

		assert_true(impact_space(&p) == rows[i].space);
	}
}

static void test_nothing(void **state)
{
	struct impact_view view = { 0 };
	struct impact impact;

	(void)state;
	assert_int_equal(impact_view_new(NULL, NULL, 0, 64, &view), 0);
	assert_int_equal(impact_of(&view, NULL, 0, &impact), 0);
	assert_int_equal(impact.addresses_v4 + impact.networks_v6 + impact.sources, 0);
	impact_view_clear(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_the_slow_way), cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_space_added),	cmocka_unit_test(test_space),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
