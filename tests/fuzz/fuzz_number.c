/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers, durations, sizes, shares: what is read is within its bounds, and prints as it is read
 * again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/number.h"

static void check_duration(const char *text)
{
	char printed[DURATION_TEXT];
	uint64_t ms, again;

	if (duration_parse(text, &ms) < 0)
		return;
	if (duration_parse(duration_format(ms, printed), &again) < 0 || ms != again)
		abort();
}

static void check_size(const char *text)
{
	char printed[SIZE_TEXT];
	uint64_t bytes, again;

	if (size_parse(text, &bytes) < 0)
		return;
	if (size_parse(size_format(bytes, printed), &again) < 0 || bytes != again)
		abort();
}

static void check_real(const char *text)
{
	char printed[REAL_TEXT];
	double v, again;

	if (real_parse(text, &v) == 0 &&
	    (!(v >= 0) || real_parse(real_format(v, printed), &again) < 0 || v != again))
		abort();
	if (share_parse(text, &v) == 0 &&
	    (!(v >= 0 && v <= 1) || share_parse(real_format(v, printed), &again) < 0 || v != again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[64];
	uint64_t n;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (number_parse(text, 10, 1000, &n) == 0 && (n < 10 || n > 1000))
		abort();
	check_duration(text);
	check_size(text);
	check_real(text);
	return 0;
}
