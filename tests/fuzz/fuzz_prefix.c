/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text -> prefix: what is read prints, and what is printed reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256], printed[PREFIX_TEXT], why[128] = "";
	struct prefix p, again;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (prefix_parse(text, why, sizeof(why), &p) < 0) {
		if (!why[0])
			abort();
		return 0;
	}
	if (prefix_parse(prefix_format(&p, printed), why, sizeof(why), &again) < 0 ||
	    prefix_compare(&p, &again) || !prefix_covers(&p, &again))
		abort();
	return 0;
}
