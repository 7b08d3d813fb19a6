/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The strict reader of configuration files.
 *
 *	[section]
 *	key = value
 *
 * Lines that begin with # or ; are comments. There is no quoting, no continuation and no comment
 *behind a value: what stands behind the first = is the value, without the blanks around it.
 */
#ifndef BASE_INI_H
#define BASE_INI_H

#include <stddef.h>
#include <stdio.h>

/*
 * Called for each `key = value`, none of them empty. A negative result ends the reading; a sentence
 * goes to `why` (`size` bytes) without file and line, which ini_read() puts before it.
 */
typedef int (*ini_fn)(const char *section, const char *key, const char *value, void *arg, char *why,
		      size_t size);

/* 0, or a negative errno with "file:line: sentence" in `why`. `name` is what messages call the
 * file. */
int ini_read(FILE *f, const char *name, ini_fn fn, void *arg, char *why, size_t size);

#endif
