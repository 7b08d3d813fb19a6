/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words stand in an array without holes. A hash table leads from key to place; a list through the
 * words without a name, from the one seen last to the one not seen for longest, says who goes.
 * Sources are counted with HyperLogLog (Flajolet and others, 2007), with linear counting where few
 * registers are set.
 */
#include "user/sight/dictionary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/base/table.h"

#define NOBODY UINT32_MAX
#define HLL_BIAS 0.709 /* alpha for 64 registers */

struct dictionary {
	uint64_t seed;
	struct table *places; /* of words by id */
	struct hello_word *words;
	uint32_t n, room;
	uint32_t newest, oldest; /* of those without a name */
	size_t named;
	uint64_t forgotten;
};

/* --- Identity --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
	return x ^ x >> 32;
}

static uint64_t mix_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint64_t h = mix(seed ^ len);

	for (size_t i = 0; i < len; i++)
		h = mix(h ^ b[i]);
	return h;
}

struct id {
	uint8_t bytes[16];
};

static struct id id_of(const struct dictionary *d, uint64_t key, const char *ja4)
{
	uint64_t halves[2] = { 0, key };
	struct id id;

	if (!key) {
		halves[0] = mix_bytes(d->seed, ja4, strlen(ja4)) | 1;
		halves[1] = mix_bytes(~d->seed, ja4, strlen(ja4));
	}
	memcpy(id.bytes, halves, sizeof(id.bytes));
	return id;
}

static struct id id_of_word(const struct dictionary *d, const struct hello_word *w)
{
	return id_of(d, w->key, w->key ? "" : w->ja4.list[0].ja4);
}

/* --- Who goes --------------------------------------------------------------------------------- */

static void unlink_word(struct dictionary *d, uint32_t at)
{
	struct hello_word *w = &d->words[at];

	if (w->newer == NOBODY)
		d->newest = w->older;
	else
		d->words[w->newer].older = w->older;
	if (w->older == NOBODY)
		d->oldest = w->newer;
	else
		d->words[w->older].newer = w->newer;
}

static void link_newest(struct dictionary *d, uint32_t at)
{
	struct hello_word *w = &d->words[at];

	w->newer = NOBODY;
	w->older = d->newest;
	if (d->newest == NOBODY)
		d->oldest = at;
	else
		d->words[d->newest].newer = at;
	d->newest = at;
}

static bool is_named(const struct hello_word *w)
{
	return w->name[0];
}

/* The last word takes the place of the one that goes, so that there are no holes. */
static void move_last(struct dictionary *d, uint32_t to)
{
	uint32_t from = --d->n;
	struct hello_word *w = &d->words[to];

	if (from == to)
		return;
	*w = d->words[from];
	/* The key is there already: a change of its number cannot fail. */
	(void)table_put(d->places, id_of_word(d, w).bytes, to);
	if (is_named(w))
		return;
	if (w->newer == NOBODY)
		d->newest = to;
	else
		d->words[w->newer].older = to;
	if (w->older == NOBODY)
		d->oldest = to;
	else
		d->words[w->older].newer = to;
}

/* A word without a name. */
static void forget(struct dictionary *d, uint32_t at)
{
	unlink_word(d, at);
	(void)table_remove(d->places, id_of_word(d, &d->words[at]).bytes);
	move_last(d, at);
}

/* --- Words ------------------------------------------------------------------------------------ */

int dictionary_new(uint64_t seed, struct dictionary **ret)
{
	struct dictionary *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->seed = seed;
	d->newest = d->oldest = NOBODY;
	r = table_new(seed, 256, &d->places);
	if (r < 0) {
		free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void dictionary_free(struct dictionary *d)
{
	if (!d)
		return;
	table_free(d->places);
	free(d->words);
	free(d);
}

static int room_for_one(struct dictionary *d)
{
	uint32_t room = d->room ? d->room * 2 : 64;
	struct hello_word *words;

	if (d->n == DICTIONARY_WORDS) {
		forget(d, d->oldest); /* there is one: not all may have names */
		d->forgotten++;
	}
	if (d->n < d->room)
		return 0;
	words = reallocarray(d->words, room, sizeof(*words));
	if (!words)
		return -ENOMEM;
	d->words = words;
	d->room = room;
	return 0;
}
_Static_assert(DICTIONARY_NAMED < DICTIONARY_WORDS, "some word can always go");

static void forms_add(struct hello_forms *f, const char *ja4, uint64_t count)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->list[i].ja4, ja4) == 0) {
			f->list[i].count += count;
			return;
		}
	}
	if (f->n == DICTIONARY_FORMS) {
		f->others += count;
		return;
	}
	strncpy(f->list[f->n].ja4, ja4, JA4_TEXT - 1);
	f->list[f->n++].count = count;
}

/* The word, which is made when there is none. */
static int get(struct dictionary *d, uint64_t key, const char *ja4, uint32_t *ret)
{
	struct id id = id_of(d, key, ja4);
	int r;

	if (table_get(d->places, id.bytes, ret) == 0)
		return 0;
	r = room_for_one(d);
	if (r == 0)
		r = table_put(d->places, id.bytes, d->n);
	if (r < 0)
		return r;

	d->words[d->n] = (struct hello_word){ .key = key };
	if (!key)
		forms_add(&d->words[d->n].ja4, ja4, 0);
	link_newest(d, d->n);
	*ret = d->n++;
	return 0;
}

static void ranks_add(struct hello_word *w, uint64_t hash)
{
	uint64_t rest = hash / DICTIONARY_RANKS;
	uint8_t rank = rest ? __builtin_ctzll(rest) + 1 : 64;
	uint8_t *at = &w->ranks[hash % DICTIONARY_RANKS];

	if (rank > *at)
		*at = rank;
}

int dictionary_add(struct dictionary *d, const struct hello_sight *sight, uint32_t now_sec)
{
	struct hello_word *w;
	uint32_t at;
	int r;

	r = get(d, sight->hello_key, sight->ja4, &at);
	if (r < 0)
		return r;
	w = &d->words[at];
	w->count++;
	w->last_sec = now_sec;
	if (!w->first_sec)
		w->first_sec = now_sec;
	forms_add(&w->ja4, sight->ja4, 1);
	forms_add(&w->ja4_stable, sight->ja4_stable, 1);
	ranks_add(w, mix_bytes(d->seed, &sight->source, sizeof(sight->source)));
	if (!is_named(w)) {
		unlink_word(d, at);
		link_newest(d, at);
	}
	return 0;
}

size_t dictionary_count(const struct dictionary *d)
{
	return d->n;
}

uint64_t dictionary_forgotten(const struct dictionary *d)
{
	return d->forgotten;
}

const struct hello_word *dictionary_word(const struct dictionary *d, size_t i)
{
	return &d->words[i];
}

const struct hello_word *dictionary_find(const struct dictionary *d, uint64_t key)
{
	uint32_t at;

	if (!d || !key || table_get(d->places, id_of(d, key, "").bytes, &at) < 0)
		return NULL;
	return &d->words[at];
}

static bool has_form(const struct hello_forms *f, const char *ja4)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].ja4, ja4) == 0)
			return true;
	return false;
}

size_t dictionary_find_ja4(const struct dictionary *d, const char *ja4,
			   const struct hello_word **ret)
{
	size_t found = 0;

	for (uint32_t i = 0; i < d->n; i++) {
		const struct hello_word *w = &d->words[i];

		if (!has_form(&w->ja4, ja4) && !has_form(&w->ja4_stable, ja4))
			continue;
		*ret = w;
		found++;
	}
	return found;
}

const char *hello_only_form(const struct hello_forms *forms)
{
	return forms->n == 1 && !forms->others ? forms->list[0].ja4 : NULL;
}

double hello_sources(const struct hello_word *w)
{
	unsigned int zeros = 0;
	double sum = 0, m = DICTIONARY_RANKS, estimate;

	for (unsigned int i = 0; i < DICTIONARY_RANKS; i++) {
		sum += ldexp(1, -w->ranks[i]);
		zeros += w->ranks[i] == 0;
	}
	estimate = HLL_BIAS * m * m / sum;
	return estimate <= 2.5 * m && zeros ? m * log(m / zeros) : estimate;
}

/* --- Names ------------------------------------------------------------------------------------ */

int hello_name_check(const char *name, char *why, size_t size)
{
	size_t len = strlen(name);

	if (!len || len >= DICTIONARY_NAME)
		return refuse(why, size, "a name has 1 to %d bytes", DICTIONARY_NAME - 1);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return refuse(why, size, "a name holds no control characters");
	if (name[0] == ' ' || name[len - 1] == ' ')
		return refuse(why, size, "a name neither begins nor ends with a blank");
	return 0;
}

static void take_name(struct dictionary *d, uint32_t at)
{
	struct hello_word *w = &d->words[at];

	if (!is_named(w))
		return;
	w->name[0] = '\0';
	d->named--;
	link_newest(d, at);
	if (!w->count)
		forget(d, at);
}

static int give_name(struct dictionary *d, uint64_t key, const char *ja4, const char *name)
{
	struct hello_word *w;
	uint32_t at;
	int r;

	if (table_get(d->places, id_of(d, key, ja4).bytes, &at) < 0 || !is_named(&d->words[at])) {
		if (d->named == DICTIONARY_NAMED)
			return -ENOSPC;
		r = get(d, key, ja4, &at);
		if (r < 0)
			return r;
		unlink_word(d, at);
		d->named++;
	}
	w = &d->words[at];
	memset(w->name, 0, sizeof(w->name));
	memcpy(w->name, name, strnlen(name, DICTIONARY_NAME - 1));
	return 0;
}

int dictionary_name(struct dictionary *d, uint64_t key, const char *ja4, const char *name)
{
	uint32_t at;

	if (*name)
		return give_name(d, key, ja4, name);
	if (table_get(d->places, id_of(d, key, ja4).bytes, &at) == 0)
		take_name(d, at);
	return 0;
}

void dictionary_unname(struct dictionary *d)
{
	/* From the end: a word that goes is replaced by one that was looked at already. */
	for (uint32_t i = d->n; i-- > 0;)
		take_name(d, i);
}

size_t dictionary_named(const struct dictionary *d)
{
	return d->named;
}
