/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Seeds: addresses that an operator knows to be bad, from banned accounts say. They are evidence
 * against the cohort that holds more of them than chance allows, and members of its campaign.
 */
#ifndef SHOAL_SEEDS_H
#define SHOAL_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEDS_MAX 100000 /* more is no hand-picked list any more */
#define SEED_NOTE 64

struct seed {
	uint8_t source[16];		/* IPv6 masked as sources are */
	int64_t added_sec, expires_sec; /* since 1970 */
	char note[SEED_NOTE];
};

struct seeds {
	struct seed *list; /* by address, each once */
	size_t n;
};

/* Sorts, and of equal addresses keeps the one that expires last. */
void seeds_settle(struct seeds *s, int64_t unix_sec); /* also removes what has expired */
bool seeds_hold(const struct seeds *s, const uint8_t source[16]);

#endif
