/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the crowd asks: what the families of time compare a cohort with. Once a round.
 */
#ifndef SHOAL_TEMPO_H
#define SHOAL_TEMPO_H

#include "user/shoal/population.h"

struct tempo;

int tempo_new(const struct population *p, struct tempo **ret);
void tempo_free(struct tempo *t);

#endif
