/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dictionary of ClientHellos: what the kernel's 64-bit keys mean as JA4, who sends them, and
 * what an operator calls them.
 *
 * A word is known by the kernel's key, or, where there is none (QUIC), by its JA4. One key has
 * several JA4s: extensions come and go with resumption. Pure; the number of words is bounded, and
 * whoever sends a new hello with every connection only displaces what was not seen for longest;
 * words with a name stay.
 */
#ifndef SIGHT_DICTIONARY_H
#define SIGHT_DICTIONARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/sight/hellos.h"

#define DICTIONARY_WORDS 4096 /* some 4 MB; a busy service meets a few hundred clients */
#define DICTIONARY_NAMED 1024 /* of them may have names, and stay */
#define DICTIONARY_FORMS 8    /* JA4s of one word that are told apart */
#define DICTIONARY_NAME 48    /* bytes of a name, with NUL */
#define DICTIONARY_RANKS 64   /* registers of the estimate of sources: its error is 13 % */

struct hello_form {
	char ja4[JA4_TEXT];
	uint64_t count;
};

struct hello_forms {
	struct hello_form list[DICTIONARY_FORMS];
	size_t n;
	uint64_t others; /* seen in forms beyond these */
};

struct hello_word {
	uint64_t key; /* 0: QUIC, known by its only JA4 */
	struct hello_forms ja4, ja4_stable;
	uint64_t count;		      /* hellos looked at, which is a sample of all */
	uint32_t first_sec, last_sec; /* 0: not seen yet, only named */
	char name[DICTIONARY_NAME];   /* "": none */
	uint8_t ranks[DICTIONARY_RANKS];
	uint32_t older, newer; /* neighbours among words without a name, by last_sec */
};

struct dictionary;

/* `seed` keys the hashes: who chooses hellos cannot choose places. */
int dictionary_new(uint64_t seed, struct dictionary **ret);
void dictionary_free(struct dictionary *d);

/* Takes in a hello that was put together. 0 or -ENOMEM. */
int dictionary_add(struct dictionary *d, const struct hello_sight *sight, uint32_t now_sec);

size_t dictionary_count(const struct dictionary *d);
uint64_t dictionary_forgotten(const struct dictionary *d); /* words displaced by newer ones */
/* In no particular order; i < dictionary_count(). Valid until the dictionary changes. */
const struct hello_word *dictionary_word(const struct dictionary *d, size_t i);

/* NULL: not known. `d` may be NULL. */
const struct hello_word *dictionary_find(const struct dictionary *d, uint64_t key);
/* How many words have this JA4, in either spelling; `*ret` is one of them. */
size_t dictionary_find_ja4(const struct dictionary *d, const char *ja4,
			   const struct hello_word **ret);

/* The only JA4 that was ever seen in this spelling; NULL when there are several or none. */
const char *hello_only_form(const struct hello_forms *forms);
double hello_sources(const struct hello_word *w); /* an estimate */

/* What a name may be: 1 to DICTIONARY_NAME - 1 bytes, no control characters, no blank at either
 * end. -EINVAL with a sentence in `why`. */
int hello_name_check(const char *name, char *why, size_t size);

/*
 * Gives a word its name; "" takes it away. A key that was not seen yet becomes a word; with key 0
 * `ja4` says which QUIC hello is meant. 0, -ENOSPC (DICTIONARY_NAMED) or -ENOMEM.
 */
int dictionary_name(struct dictionary *d, uint64_t key, const char *ja4, const char *name);
void dictionary_unname(struct dictionary *d); /* takes all names away */
size_t dictionary_named(const struct dictionary *d);

#endif
