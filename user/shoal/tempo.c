/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The crowd's times.
 */
#include <errno.h>
#include <stdlib.h>
#include "user/shoal/tempo.h"

#define WORD 64
#define HOUR_MASK ((1u << SPAN_HOUR_SLOTS) - 1)

bool tempo_active(const struct tempo *t, uint32_t at, uint64_t ret[RHYTHM_WORDS])
{
	const struct rhythm *rhythm = t->p->list[at].f->rhythm;

	if (!rhythm)
		return false;
	rhythm_active(rhythm, t->last_slot, ret);
	return true;
}

void tempo_count(const uint64_t active[RHYTHM_WORDS], uint32_t asked[RHYTHM_SLOTS])
{
	for (unsigned int i = 0; i < RHYTHM_WORDS; i++)
		for (uint64_t left = active[i]; left; left &= left - 1)
			asked[WORD * i + (unsigned int)__builtin_ctzll(left)]++;
}

unsigned int tempo_hour(const uint64_t active[RHYTHM_WORDS], unsigned int hour)
{
	unsigned int first = hour * SPAN_HOUR_SLOTS, word = first / WORD, bit = first % WORD;
	uint64_t bits = active[word] >> bit;

	if (bit > WORD - SPAN_HOUR_SLOTS && word + 1 < RHYTHM_WORDS)
		bits |= active[word + 1] << (WORD - bit);
	return bits & HOUR_MASK;
}

int tempo_new(const struct population *p, struct tempo **ret)
{
	struct tempo *t = calloc(1, sizeof(*t));
	uint64_t active[RHYTHM_WORDS];

	if (!t)
		return -ENOMEM;
	t->p = p;
	t->last_slot = p->slot - p->slot % SPAN_HOUR_SLOTS + SPAN_HOUR_SLOTS - 1;
	for (size_t i = 0; i < p->n; i++) {
		if (!tempo_active(t, (uint32_t)i, active))
			continue;
		tempo_count(active, t->asked);
		for (unsigned int tau = 0; tau < SESSION_TAUS; tau++)
			regularity_count(p->list[i].f->rhythm, tau, &t->regular[tau]);
	}
	*ret = t;
	return 0;
}

void tempo_free(struct tempo *t)
{
	free(t);
}
