/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saying no: every reader of text tells in a sentence what it did not like. */
#ifndef BASE_REFUSE_H
#define BASE_REFUSE_H

#include <stddef.h>

/* Puts the sentence into `why`, cut to `size` bytes. Always -EINVAL: `return refuse(...)`. */
__attribute__((format(printf, 3, 4))) int refuse(char *why, size_t size, const char *format, ...);

#endif
