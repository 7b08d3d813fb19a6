/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See trips.h. */
#include "user/sight/trips.h"

#include <math.h>

static void halve(struct trips *t)
{
	for (unsigned int kind = 0; kind < SEINE_TLS_KINDS; kind++)
		for (unsigned int bin = 0; bin < SEINE_TRIP_BINS; bin++)
			t->window[kind][bin] /= 2;
}

void trips_add(struct trips *t, const struct seine_trips now[SEINE_TLS_KINDS], uint32_t now_sec)
{
	if (!t->halved_sec)
		t->halved_sec = now_sec;
	for (; now_sec - t->halved_sec >= TRIPS_HALF_SEC; t->halved_sec += TRIPS_HALF_SEC)
		halve(t);

	for (unsigned int kind = 0; kind < SEINE_TLS_KINDS; kind++) {
		for (unsigned int bin = 0; bin < SEINE_TRIP_BINS; bin++)
			t->window[kind][bin] +=
				(uint32_t)(now[kind].hist[bin] - t->last[kind].hist[bin]);
		t->last[kind] = now[kind];
	}
}

/* Where a bin begins: four to an octave, equally wide. */
static double bin_us(unsigned int bin)
{
	return ldexp(1 + bin % 4 / 4.0, (int)(bin / 4));
}

static double samples(const double hist[SEINE_TRIP_BINS])
{
	double n = 0;

	for (unsigned int bin = 0; bin < SEINE_TRIP_BINS; bin++)
		n += hist[bin];
	return n;
}

double trips_percentile(const double hist[SEINE_TRIP_BINS], double share)
{
	double wanted = share * samples(hist), below = 0;

	for (unsigned int bin = 0; bin < SEINE_TRIP_BINS; bin++) {
		double low = bin_us(bin), high = bin_us(bin + 1);

		if (hist[bin] > 0 && below + hist[bin] >= wanted)
			return low + (high - low) * (wanted - below) / hist[bin];
		below += hist[bin];
	}
	return 0;
}

static bool kind_us(const struct trips *t, unsigned int kind, uint32_t *ret)
{
	double us;

	if (samples(t->window[kind]) < TRIPS_SAMPLES)
		return false;
	us = trips_percentile(t->window[kind], TRIPS_SHARE);
	*ret = (uint32_t)fmin(us, TRIPS_MAX_US);
	return true;
}

static bool moved(uint32_t from, uint32_t to)
{
	double by = fabs((double)to - from);

	return by > TRIPS_MOVE_US || by > TRIPS_MOVE * from;
}

bool trips_calibrate(const struct trips *t, uint32_t us[SEINE_TLS_KINDS])
{
	uint32_t usual = us[SEINE_TLS_13];
	bool changed = false, known = kind_us(t, SEINE_TLS_13, &usual);

	for (unsigned int kind = 0; kind < SEINE_TLS_KINDS; kind++) {
		uint32_t own = known ? usual : us[kind];

		(void)kind_us(t, kind, &own);
		if (!moved(us[kind], own))
			continue;
		us[kind] = own;
		changed = true;
	}
	return changed;
}
