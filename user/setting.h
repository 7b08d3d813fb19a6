/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One setting: its name in a configuration file, its place in a struct, and how its value is read
 * and written. conf.c makes a table of them.
 */
#ifndef SETTING_H
#define SETTING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct setting;

struct setting_kind {
	/* Reads one value into `at`. 0, or -EINVAL with a sentence that does not repeat the key. */
	int (*parse)(const struct setting *s, const char *value, void *at, char *why, size_t size);
	/* Writes what parse() reads back, as lines "key = value". */
	void (*print)(const struct setting *s, const void *at, FILE *to);
	void (*clear)(const struct setting *s, void *at); /* lists only: forgets all values */
	uint32_t unit_us;				  /* times only: what the place counts in */
};

struct setting {
	const char *section;
	const char *key;
	const struct setting_kind *kind;
	size_t offset;
	uint64_t min,
		max; /* numbers; times in ms; sizes in bytes; shares in percent; a path's room */
	const char *const *words; /* of setting_word, ended by NULL */
};

extern const struct setting_kind setting_number;  /* uint32_t */
extern const struct setting_kind setting_power;	  /* uint32_t, rounded up to a power of two */
extern const struct setting_kind setting_lengths; /* "20-32" into two neighbouring uint32_t */
extern const struct setting_kind setting_us;	  /* time in uint32_t */
extern const struct setting_kind setting_ms;
extern const struct setting_kind setting_sec;
extern const struct setting_kind setting_size;	/* bytes in uint64_t */
extern const struct setting_kind setting_share; /* double, 0 to 1 */
extern const struct setting_kind setting_real;	/* double */
extern const struct setting_kind setting_word;	/* an enum: the place of the word in `words` */
extern const struct setting_kind setting_path;	/* char[max] */

#endif
