/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring of times and a shifting bitmap.
 */
#include <string.h>
#include "user/sight/rhythm.h"

#define WORD 64

static void shift(uint64_t *words, uint32_t by)
{
	uint32_t whole = by / WORD, part = by % WORD;

	for (int i = RHYTHM_WORDS - 1; i >= 0; i--) {
		uint64_t high = i - (int)whole >= 0 ? words[i - (int)whole] : 0;
		uint64_t low = i - (int)whole - 1 >= 0 ? words[i - (int)whole - 1] : 0;

		words[i] = part ? high << part | low >> (WORD - part) : high;
	}
}

void rhythm_mark(struct rhythm *r, uint32_t slot)
{
	uint32_t ago;

	if ((int32_t)(slot - r->slot) > 0) {
		if (slot - r->slot >= RHYTHM_SLOTS)
			memset(r->active, 0, sizeof(r->active));
		else
			shift(r->active, slot - r->slot);
		r->slot = slot;
	}
	ago = r->slot - slot;
	if (ago < RHYTHM_SLOTS)
		r->active[ago / WORD] |= 1ull << ago % WORD;
}

void rhythm_note(struct rhythm *r, uint32_t sec, uint32_t slot)
{
	r->times[r->next] = sec;
	r->next = (r->next + 1) % RHYTHM_TIMES;
	if (r->n < RHYTHM_TIMES)
		r->n++;
	rhythm_mark(r, slot);
}

bool rhythm_asked(const struct rhythm *r, uint32_t slot)
{
	uint32_t ago = r->slot - slot;

	return ago < RHYTHM_SLOTS && r->active[ago / WORD] >> ago % WORD & 1;
}

void rhythm_active(const struct rhythm *r, uint32_t slot, uint64_t ret[RHYTHM_WORDS])
{
	uint32_t later = slot - r->slot;

	memset(ret, 0, sizeof(r->active));
	if (later >= RHYTHM_SLOTS) /* or earlier than its newest slot */
		return;
	memcpy(ret, r->active, sizeof(r->active));
	shift(ret, later);
}
