/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main of a fuzz target outside libFuzzer: runs the target once over every file of a corpus
 * directory and reports each as a TAP test. Whatever the fuzzer once found stays found this way,
 * with any compiler. A bad input ends the process through a sanitizer or an assertion; its name is
 * on the last line then, and the plan is short of it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_BYTES (1 << 20) /* libFuzzer's own limit on an input it keeps */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int replay(const char *dir, const char *name)
{
	static uint8_t buffer[INPUT_BYTES];
	char path[4096];
	uint8_t *data;
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		return -errno;
	size = fread(buffer, 1, sizeof(buffer), f);
	fclose(f);

	/* An allocation of the exact size: a read past the input is a read past the heap. */
	data = malloc(size ? size : 1);
	if (!data)
		return -ENOMEM;
	memcpy(data, buffer, size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **inputs;
	int failed = 0, n, r;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	n = scandir(argv[1], &inputs, is_input, by_name);
	if (n < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		printf("# input %s\n", inputs[i]->d_name);
		r = replay(argv[1], inputs[i]->d_name);
		printf("%sok %d - %s\n", r < 0 ? "not " : "", i + 1, inputs[i]->d_name);
		failed |= r < 0;
		free(inputs[i]);
	}
	free(inputs);
	return failed;
}
