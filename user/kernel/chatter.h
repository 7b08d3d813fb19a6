/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libbpf and libxdp say while they work.
 *
 * Both print alarming lines on their way to success ("Falling back to loading single prog"), so
 * nothing of it is shown. The last lines are kept, and a failure is explained with the one that
 * tells why.
 */
#ifndef KERNEL_CHATTER_H
#define KERNEL_CHATTER_H

#include <stddef.h>

/* From here on libbpf and libxdp are silent; what was kept is forgotten. */
void chatter_begin(void);

/* The last line that contains `needle`, from behind it to its end; NULL: nobody said that. Valid
 * until the next call of this function. */
const char *chatter_after(const char *needle);

/* The last warning, "" when there was none. */
const char *chatter_last(void);

/* Writes a sentence into `why` (DATAPATH_WHY bytes) and returns `r`. */
__attribute__((format(printf, 3, 4))) int datapath_fail(int r, char *why, const char *format, ...);

#endif
