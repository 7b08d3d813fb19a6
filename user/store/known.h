/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sources may be in the history: a Bloom filter (Bloom 1970), so that those never seen
 * before, and they are most, are not looked up a hundred times in the file. It never denies one
 * that is there. Those that have aged out stay until the next start.
 */
#ifndef STORE_KNOWN_H
#define STORE_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

struct known;

int known_new(struct known **ret);
void known_free(struct known *k);
void known_add(struct known *k, const uint8_t source[16]);
bool known_maybe(const struct known *k, const uint8_t source[16]);

#endif
