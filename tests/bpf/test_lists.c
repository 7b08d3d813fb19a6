// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drop lists through the real maps and the real program, against a list that is searched from end
 * to end.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "bpf/hash.h"
#include "tests/bpf/rig.h"
#include "user/base/cleanup.h"

#define PINS "/sys/fs/bpf/seine-test-lists"
#define ROUNDS 12
#define ENTRIES 600
#define QUERIES 100000 /* of each round, through the maps */
#define RUNS 300 /* of each round, through the program: the kernel takes a millisecond for each */
#define FLIPS 40

/* ---- the naive list ---- */

struct model {
	uint64_t hi[ENTRIES], lo[ENTRIES], mask_hi[ENTRIES], mask_lo[ENTRIES];
	uint8_t len[ENTRIES];
	size_t n;
};

static void model_add(struct model *m, const struct prefix *p)
{
	size_t i = m->n++;

	m->hi[i] = seine_addr_word(p->ip);
	m->lo[i] = seine_addr_word(p->ip + 8);
	m->mask_hi[i] = p->len >= 64 ? ~0ull : p->len ? ~0ull << (64 - p->len) : 0;
	m->mask_lo[i] = p->len <= 64 ? 0 : ~0ull << (128 - p->len);
	m->len[i] = p->len;
}

/* Length of the longest entry that covers the address, -1: none does. */
static int model_match(const struct model *m, const uint8_t ip[16])
{
	uint64_t hi = seine_addr_word(ip), lo = seine_addr_word(ip + 8);
	int best = -1;

	for (size_t i = 0; i < m->n; i++) {
		if (!((hi ^ m->hi[i]) & m->mask_hi[i]) && !((lo ^ m->lo[i]) & m->mask_lo[i]) &&
		    m->len[i] > best)
			best = m->len[i];
	}
	return best;
}

/* ---- random entries and addresses ---- */

static void random_ip(uint64_t *seed, uint8_t ip[16])
{
	uint64_t word[2] = { rig_random(seed), rig_random(seed) };

	memcpy(ip, word, 16);
	if (rig_random(seed) & 1) {
		memset(ip, 0, 10);
		ip[10] = ip[11] = 0xff;
		ip[12] = 10 + ip[12] % 4; /* few /8s, so that entries nest */
	} else {
		ip[0] = 0x20;
		ip[1] = ip[1] % 4;
		ip[2] &= 3;
		ip[3] &= 3;
	}
}

static struct prefix random_prefix(uint64_t *seed)
{
	static const uint8_t v4[] = { 8, 9, 12, 16, 19, 22, 23, 24, 25, 28, 31, 32 };
	static const uint8_t v6[] = { 20, 29, 32, 36, 40, 44, 47,  48,
				      52, 56, 60, 63, 64, 96, 127, 128 };
	uint8_t ip[16];
	unsigned int len;

	random_ip(seed, ip);
	if (seine_addr_is_v4(seine_addr_word(ip), seine_addr_word(ip + 8)))
		len = PREFIX_V4_BASE + v4[rig_random(seed) % ARRAY_LEN(v4)];
	else
		len = v6[rig_random(seed) % ARRAY_LEN(v6)];
	return prefix_of(ip, len);
}

static struct entry entry_of(const struct prefix *p)
{
	return (struct entry){ .prefix = *p,
			       .row = { .action = SEINE_DROP,
					.origin = SEINE_OPERATOR,
					.added_sec = RIG_NOW_SEC,
					.expires_sec = RIG_NOW_SEC + 3600 } };
}

/* `wide`: with IPv6 entries about which the bitmap cannot speak. */
static void random_entries(uint64_t *seed, bool wide, struct entries **ret, struct model *ret_model)
{
	struct entries *e = NULL;

	memset(ret_model, 0, sizeof(*ret_model));
	assert_int_equal(entries_new(ENTRIES, &e), 0);
	while (e->n < ENTRIES) {
		struct prefix p = random_prefix(seed);
		struct entry entry = entry_of(&p);

		if (entries_find(e, &p) || (!wide && !prefix_is_v4(&p) && p.len < 32))
			continue;
		assert_int_equal(entries_put(e, &entry), 0);
		model_add(ret_model, &p);
	}
	*ret = e;
}

/* Half of the addresses are inside an entry or just beside one. */
static void random_query(uint64_t *seed, const struct entries *e, uint8_t ip[16])
{
	const struct prefix *p = &e->list[rig_random(seed) % e->n].prefix;
	unsigned int bit;

	random_ip(seed, ip);
	if (rig_random(seed) & 1)
		return;
	for (bit = 0; bit < p->len; bit++) {
		uint8_t mask = 0x80 >> bit % 8;

		ip[bit / 8] = (ip[bit / 8] & ~mask) | (p->ip[bit / 8] & mask);
	}
	if (rig_random(seed) % 4 == 0 && p->len > PREFIX_V4_BASE)
		ip[(p->len - 1) / 8] ^= 0x80 >> (p->len - 1) % 8;
}

/* ---- a look-up as the datapath does it, by system calls ---- */

struct maps {
	uint64_t *bits;
	int list;
	struct seine_lengths lengths;
	struct seine_meta meta;
};

static void maps_open(struct datapath *d, struct maps *ret)
{
	uint32_t zero = 0, active, id;

	assert_int_equal(bpf_map_lookup_elem(datapath_map_fd(d, "seine_active"), &zero, &active),
			 0);
	assert_int_equal(bpf_map_lookup_elem(datapath_map_fd(d, "seine_lists"), &active, &id), 0);
	ret->list = bpf_map_get_fd_by_id(id);
	assert_true(ret->list >= 0);
	assert_int_equal(bpf_map_lookup_elem(datapath_map_fd(d, "seine_lengths"), &active,
					     &ret->lengths),
			 0);
	assert_int_equal(datapath_meta(d, &ret->meta), 0);
	ret->bits = mmap(NULL, SEINE_BITS_WORDS * 8, PROT_READ, MAP_SHARED,
			 datapath_map_fd(d, "seine_bits"), (off_t)active * SEINE_BITS_WORDS * 8);
	assert_ptr_not_equal(ret->bits, MAP_FAILED);
}

static void maps_close(struct maps *m)
{
	munmap(m->bits, SEINE_BITS_WORDS * 8);
	close(m->list);
}

static int maps_match(const struct maps *m, const uint8_t ip[16])
{
	uint64_t hi = seine_addr_word(ip), lo = seine_addr_word(ip + 8);
	bool v4 = seine_addr_is_v4(hi, lo);
	uint32_t bit = seine_bit(hi, lo, m->meta.seed0, m->meta.seed1);

	if (!(m->bits[bit / 64] >> bit % 64 & 1) && (v4 || !m->lengths.v6_wide))
		return -1;
	for (int i = 0; i < (v4 ? m->lengths.v4_count : m->lengths.v6_count); i++) {
		uint32_t len = v4 ? m->lengths.v4[i] : m->lengths.v6[i];
		struct prefix p = prefix_of(ip, v4 ? PREFIX_V4_BASE + len : len);
		struct seine_prefix key = { .len = len };
		struct seine_entry row;

		memcpy(key.ip, p.ip, 16);
		if (bpf_map_lookup_elem(m->list, &key, &row) == 0)
			return p.len;
	}
	return -1;
}

/* ---- tests ---- */

static void apply(struct datapath *d, const struct entries *e)
{
	char why[DATAPATH_WHY];

	if (datapath_apply(d, e, why) < 0)
		fail_msg("%s", why);
}

static void check_queries(struct datapath *d, const struct entries *e, const struct model *model,
			  uint64_t *seed)
{
	struct maps maps;
	uint8_t ip[16];
	int wrong = 0;

	maps_open(d, &maps);
	for (int i = 0; i < QUERIES; i++) {
		random_query(seed, e, ip);
		wrong += maps_match(&maps, ip) != model_match(model, ip);
	}
	maps_close(&maps);
	assert_int_equal(wrong, 0);

	for (int i = 0; i < RUNS; i++) {
		random_query(seed, e, ip);
		wrong += (rig_syn(d, ip, 1) == XDP_DROP) != (model_match(model, ip) >= 0);
	}
	assert_int_equal(wrong, 0);
}

static void matches_naive_list(void **state)
{
	struct datapath *d = *state;
	struct model model;
	uint64_t seed = 1;

	rig_enforce(d);
	for (int round = 0; round < ROUNDS; round++) {
		struct entries *e;

		random_entries(&seed, round % 2, &e, &model);
		apply(d, e);
		check_queries(d, e, &model, &seed);
		entries_free(e);
	}
}

/* "10.1.0.0/16" and so on, in one list. */
static struct entries *list_of(const char *const *texts)
{
	struct entries *e = NULL;
	char why[DATAPATH_WHY];

	assert_int_equal(entries_new(8, &e), 0);
	for (; *texts; texts++) {
		struct prefix p;
		struct entry entry;

		assert_int_equal(prefix_parse(*texts, why, sizeof(why), &p), 0);
		entry = entry_of(&p);
		assert_int_equal(entries_put(e, &entry), 0);
	}
	return e;
}

#define LIST(...) list_of((const char *const[]){ __VA_ARGS__, NULL })

static void address(const char *text, uint8_t ip[16])
{
	char why[DATAPATH_WHY];
	struct prefix p;

	assert_int_equal(prefix_parse_address(text, why, sizeof(why), &p), 0);
	memcpy(ip, p.ip, 16);
}

static uint32_t verdict(struct datapath *d, const char *text)
{
	uint8_t ip[16];

	address(text, ip);
	return rig_syn(d, ip, 1);
}

static void reads_back_what_was_applied(void **state)
{
	struct entries *e = LIST("10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "2001:db8:1::/48");
	struct entries *held = NULL;
	struct datapath *d = *state;

	apply(d, e);
	assert_int_equal(datapath_lists(d, &held), 0);
	assert_int_equal(held->n, e->n);
	for (size_t i = 0; i < e->n; i++) {
		assert_int_equal(prefix_compare(&held->list[i].prefix, &e->list[i].prefix), 0);
		assert_int_equal(held->list[i].row.expires_sec, e->list[i].row.expires_sec);
	}
	entries_free(held);
	entries_free(e);
}

static void expired_entry_gives_way(void **state)
{
	struct entries *e = LIST("10.1.0.0/16", "10.1.2.0/24");
	struct datapath *d = *state;

	rig_enforce(d);
	e->list[0].row.action = SEINE_WATCH;
	e->list[1].row.expires_sec = RIG_NOW_SEC + 10;
	apply(d, e);
	assert_int_equal(verdict(d, "10.1.2.3"), XDP_DROP);
	datapath_set_clock(d, (RIG_NOW_SEC + 10) * RIG_SECOND - 1);
	assert_int_equal(verdict(d, "10.1.2.3"), XDP_DROP);
	datapath_set_clock(d, (RIG_NOW_SEC + 10) * RIG_SECOND);
	assert_int_equal(verdict(d, "10.1.2.3"), XDP_PASS);

	datapath_set_clock(d, RIG_NOW_SEC * RIG_SECOND);
	entries_free(e);
}

static uint32_t slot_of(struct datapath *d, size_t i)
{
	struct entries *held = NULL;
	uint32_t slot;

	assert_int_equal(datapath_lists(d, &held), 0);
	slot = held->list[i].row.slot;
	entries_free(held);
	return slot;
}

static void hits_stay_with_their_entry(void **state)
{
	struct entries *one = LIST("10.5.0.0/16"), *two = LIST("10.0.0.1", "10.5.0.0/16");
	struct datapath *d = *state;
	struct seine_hit hit;
	uint32_t slot;

	rig_enforce(d);
	apply(d, one);
	slot = slot_of(d, 0);
	assert_int_not_equal(slot, 0);
	verdict(d, "10.5.2.3");
	apply(d, two);
	assert_int_equal(slot_of(d, 1), slot);
	assert_int_equal(datapath_hits(d, slot, &hit), 0);
	assert_int_equal(hit.packets, 1);
	assert_int_equal(hit.last_sec, RIG_NOW_SEC);

	/* For another ClientHello it is another entry, and begins at zero. */
	two->list[1].row.hello_key = 7;
	apply(d, two);
	slot = slot_of(d, 1);
	assert_int_equal(datapath_hits(d, slot, &hit), 0);
	assert_int_equal(hit.packets, 0);
	entries_free(one);
	entries_free(two);
}

static void refused_list_changes_nothing(void **state)
{
	struct entries *good = LIST("10.1.0.0/16"), *bad = LIST("10.2.0.0/16");
	struct datapath *d = *state;
	char why[DATAPATH_WHY];
	uint8_t ip[16];

	rig_enforce(d);
	apply(d, good);
	address("2001:db8::", ip);
	for (unsigned int len = 32; len <= 32 + SEINE_V6_LENGTHS; len++) {
		struct prefix p = prefix_of(ip, len);
		struct entry e = entry_of(&p);

		assert_int_equal(entries_put(bad, &e), 0);
	}
	assert_int_equal(datapath_apply(d, bad, why), -E2BIG);
	assert_int_equal(verdict(d, "10.1.2.3"), XDP_DROP);
	assert_int_equal(verdict(d, "10.2.2.3"), XDP_PASS);
	entries_free(good);
	entries_free(bad);
}

static void adopts_what_was_written_by_hand(void **state)
{
	struct entries *none = LIST(NULL), *held = NULL;
	const struct seine_prefix keys[] = {
		{ .ip = { [10] = 0xff, 0xff, 10, 1 }, .len = 16 },
		{ .ip = { [10] = 0xff, 0xff, 10, 1, 2, 3 }, .len = 16 }, /* host bits: never hit */
		{ .ip = { [10] = 0xff, 0xff, 10, 1 }, .len = 77 },
		{ .len = 0 },
	};
	const struct seine_entry row = { .action = SEINE_DROP };
	struct datapath *d = *state;
	char pin[64];
	int fd;

	rig_enforce(d);
	apply(d, none);
	snprintf(pin, sizeof(pin), PINS "/%d/seine_drop", SEINE_ABI);
	fd = bpf_obj_get(pin);
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(bpf_map_update_elem(fd, &keys[i], &row, BPF_ANY), 0);
	close(fd);

	assert_int_equal(datapath_lists(d, &held), 0);
	assert_int_equal(held->n, 1);
	assert_int_equal(held->list[0].row.origin, SEINE_EXTERNAL);
	apply(d, held);
	assert_int_equal(verdict(d, "10.1.9.9"), XDP_DROP);
	entries_free(held);
	entries_free(none);
}

struct flipper {
	struct datapath *datapath;
	struct entries *lists[2];
	int flips;
	bool done;
};

static void *flip(void *arg)
{
	struct flipper *f = arg;
	char why[DATAPATH_WHY];

	for (f->flips = 0; f->flips < FLIPS; f->flips++) {
		if (datapath_apply(f->datapath, f->lists[f->flips & 1], why) < 0)
			break;
	}
	__atomic_store_n(&f->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* An address that both lists cover, each by another entry, is dropped without exception; one that
 * neither covers passes. */
static void no_packet_sees_half_a_list(void **state)
{
	struct flipper f = { .datapath = *state,
			     .lists = { LIST("10.1.0.0/16", "2001:db8::/32", "10.7.7.7"),
					LIST("10.1.2.3", "2001:db8::/64", "10.9.0.0/24") } };
	struct seine_stats before, after;
	uint64_t dropped = 0;
	uint8_t v4[16], v6[16], other[16];
	pthread_t thread;

	address("10.1.2.3", v4);
	address("2001:db8::1", v6);
	address("10.1.0.0", other);
	other[13] = 2;
	rig_enforce(f.datapath);
	apply(f.datapath, f.lists[1]);
	assert_int_equal(datapath_stats(f.datapath, &before), 0);
	assert_int_equal(pthread_create(&thread, NULL, flip, &f), 0);
	while (!__atomic_load_n(&f.done, __ATOMIC_ACQUIRE)) {
		rig_syn(f.datapath, v4, 20000);
		rig_syn(f.datapath, v6, 20000);
		assert_int_equal(rig_syn(f.datapath, other, 1000), XDP_PASS);
		dropped += 40000;
	}
	pthread_join(thread, NULL);
	assert_int_equal(datapath_stats(f.datapath, &after), 0);
	print_message("# %d lists replaced under %llu packets\n", f.flips,
		      (unsigned long long)dropped);
	assert_int_equal(f.flips, FLIPS);
	assert_int_equal(after.dropped - before.dropped, dropped);
	entries_free(f.lists[0]);
	entries_free(f.lists[1]);
}

static void holds_a_hundred_thousand(void **state)
{
	struct entries *e = NULL;
	struct datapath *d = *state;
	uint64_t seed = 3;
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };

	rig_enforce(d);
	assert_int_equal(entries_new(100000, &e), 0);
	for (uint32_t i = 0; i < 100000; i++) {
		struct prefix p;
		struct entry entry;

		ip[12] = 10 + i / 65536;
		ip[13] = i / 256 % 256;
		ip[14] = i % 256;
		ip[15] = (uint8_t)rig_random(&seed);
		p = prefix_of(ip, 128);
		entry = entry_of(&p);
		assert_int_equal(entries_append(e, &entry), 0);
	}
	entries_sort(e);
	apply(d, e);
	for (size_t i = 0; i < e->n; i += 1000) {
		assert_int_equal(rig_syn(d, e->list[i].prefix.ip, 1), XDP_DROP);
		memcpy(ip, e->list[i].prefix.ip, 16);
		ip[15]++;
		assert_int_equal(rig_syn(d, ip, 1), XDP_PASS);
	}
	/* More entries than hit counters: the rest share the first. */
	assert_int_equal(slot_of(d, e->n - 1), 0);
	entries_free(e);
}

static int setup(void **state)
{
	*state = rig_open(PINS);
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state, PINS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_naive_list),
		cmocka_unit_test(reads_back_what_was_applied),
		cmocka_unit_test(expired_entry_gives_way),
		cmocka_unit_test(hits_stay_with_their_entry),
		cmocka_unit_test(refused_list_changes_nothing),
		cmocka_unit_test(adopts_what_was_written_by_hand),
		cmocka_unit_test(no_packet_sees_half_a_list),
		cmocka_unit_test(holds_a_hundred_thousand),
	};

	return cmocka_run_group_tests_name("lists", tests, setup, teardown);
}
