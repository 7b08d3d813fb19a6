/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens next: numbered things by time, a binary heap. */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stddef.h>
#include <stdint.h>

struct appointment {
	uint64_t ns;
	uint32_t what; /* of two at the same time the smaller one is first */
};

struct agenda {
	struct appointment *list; /* the first one is next, n is 0: nothing is */
	size_t n, room;
};

void agenda_free(struct agenda *a);
int agenda_add(struct agenda *a, uint64_t ns, uint32_t what); /* -ENOMEM */

/* The next one is put off, or done with; there must be one. */
void agenda_put_off(struct agenda *a, uint64_t ns);
void agenda_drop(struct agenda *a);

#endif
