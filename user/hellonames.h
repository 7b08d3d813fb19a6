/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names that operators give to ClientHellos, as a file: one a line, the kernel's key, or for
 * QUIC the JA4, then the name.
 *
 *	# ours
 *	8f3a5d0c11e0b7a2 python sdk
 *	q13d0312h3_55b375c5d22e_06cda9e17597 our app
 *
 * A file is taken whole or not at all, and written anew whenever a name changes.
 */
#ifndef HELLONAMES_H
#define HELLONAMES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "user/sight/dictionary.h"

struct hello_name {
	uint64_t key;	    /* 0: `ja4` says which */
	char ja4[JA4_TEXT]; /* "" with a key */
	char name[DICTIONARY_NAME];
};

/* A key (16 hexadecimal digits) or a JA4 as it may stand on a line. -EINVAL when it is neither. */
int hello_id_parse(const char *text, uint64_t *ret_key, char ret_ja4[JA4_TEXT]);

/* 0, or a negative errno with "file:line: sentence" in `why` (`size` bytes). */
int hellonames_parse(FILE *f, const char *name, char *why, size_t size, struct hello_name **ret,
		     size_t *ret_n);

/* The same of a file; one that does not exist has no names. */
int hellonames_read(const char *path, char *why, size_t size, struct hello_name **ret,
		    size_t *ret_n);

/* Replaces all names of the dictionary. 0 or -ENOMEM, with some of them missing. */
int hellonames_apply(struct dictionary *d, const struct hello_name *names, size_t n);

/* Writes all names of the dictionary: the file is the old one or the new one at any moment. Its
 * directory is made if it is missing. */
int hellonames_write(const char *path, const struct dictionary *d, char *why, size_t size);

#endif
