/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The e-process of one source: its weights, its noise, and that it keeps Ville's promise.
 */
#include <math.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "bpf/hash.h"
#include "user/base/cleanup.h"
#include "user/shoal/source.h"

static struct noise floors; /* as where nothing is learned */

static struct features gaps(uint32_t none, uint32_t single, uint32_t dual)
{
	return (struct features){
		.gap_none = none,
		.gap_single = single,
		.gap_dual = dual,
		.trail = { .none = (float)none, .single = (float)single, .dual = (float)dual },
	};
}

static double e_of(uint32_t none, uint32_t single, uint32_t dual)
{
	const struct features f = gaps(none, single, dual);

	return source_log10_e(&floors, &f);
}

static int setup(void **state)
{
	(void)state;
	floors = noise_of(0.03, 3e-4, 0);
	return 0;
}

static void test_weights(void **state)
{
	(void)state;
	assert_true(fabs(e_of(0, 0, 1) - log10(2500)) < 1e-12);
	assert_true(fabs(e_of(0, 1, 0) - log10(5)) < 1e-12);
	assert_true(fabs(e_of(1, 0, 0) - log10(0.1 / 0.9697)) < 1e-12);
	assert_true(e_of(0, 0, 0) == 0);
}

/* Two dual gaps prove, even beside a clean handshake; one does not; single gaps need six. */
static void test_how_many_prove(void **state)
{
	(void)state;
	assert_true(e_of(1, 0, 2) >= SOURCE_PROVEN);
	assert_true(e_of(0, 0, 1) < SOURCE_PROVEN);
	assert_true(e_of(0, 5, 0) < SOURCE_PROVEN);
	assert_true(e_of(0, 6, 0) >= SOURCE_PROVEN);
	assert_true(e_of(3, 0, 1) < 1);
	assert_int_equal(noise_samples_min(&floors), 1);
	assert_true(e_of(0, 0, 1) >= SOURCE_SPLIT && e_of(2, 0, 1) < SOURCE_SPLIT);
}

/* A swarm in the majority must not be learned as noise, nor may a few sources teach anything. */
static void test_noise(void **state)
{
	struct features f[300];
	struct noise noise;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		f[i] = i < 200 ? gaps(0, 1, 4) : gaps(9, 1, 0);
	noise = noise_learn(f, ARRAY_LEN(f));
	assert_int_equal(noise.sources, 100);
	assert_true(fabs(noise.single - 0.1) < 1e-9);
	assert_true(noise.dual == 3e-4);

	noise = noise_learn(f + 180, 40);
	assert_true(noise.single == 0.03);

	for (size_t i = 0; i < ARRAY_LEN(f); i++)
		f[i] = gaps(5, 3, 1);
	noise = noise_learn(f, ARRAY_LEN(f));
	assert_true(noise.single == 0.25 && noise.dual == 0.02);
}

/* 200,000 direct sources at the noise floor, 30 handshakes each, looked at after every one: at most
 * one in 10^4 is ever proven. */
static void test_ville(void **state)
{
	uint64_t random = 1;
	uint32_t ever = 0;

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		struct features f = { 0 };
		double most = 0, e, u;

		for (uint32_t j = 0; j < 30; j++) {
			random += 0x9e3779b97f4a7c15ull;
			u = (double)(seine_mix64(random) >> 11) * 0x1p-53;
			f.trail.dual += u < floors.dual;
			f.trail.single += u >= floors.dual && u < floors.dual + floors.single;
			f.trail.none += u >= floors.dual + floors.single;
			if (f.trail.dual + f.trail.single < 2)
				continue;
			e = source_log10_e(&floors, &f);
			most = e > most ? e : most;
		}
		ever += most >= SOURCE_PROVEN;
	}
	assert_in_range(ever, 0, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_how_many_prove),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_ville),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
