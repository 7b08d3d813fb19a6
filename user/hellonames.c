// SPDX-License-Identifier: GPL-2.0-or-later
/* See hellonames.h. */
#include "user/hellonames.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/files.h"
#include "user/base/line.h"
#include "user/base/refuse.h"

#define SENTENCE 160
#define KEY_DIGITS 16

/* --- Reading ---------------------------------------------------------------------------------- */

/* "q13d0312h3_55b375c5d22e_06cda9e17597": three parts, of letters and digits. */
static bool is_ja4(const char *text)
{
	static const char alphanumeric[] = "0123456789abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const size_t parts[] = { 10, 12, 12 };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (strspn(text, alphanumeric) != parts[i])
			return false;
		text += parts[i];
		if (*text++ != (i + 1 < ARRAY_LEN(parts) ? '_' : '\0'))
			return false;
	}
	return true;
}

int hello_id_parse(const char *text, uint64_t *ret_key, char ret_ja4[JA4_TEXT])
{
	memset(ret_ja4, 0, JA4_TEXT);
	*ret_key = 0;
	if (is_ja4(text)) {
		memcpy(ret_ja4, text, strlen(text));
		return 0;
	}
	if (strlen(text) != KEY_DIGITS || strspn(text, "0123456789abcdefABCDEF") != KEY_DIGITS)
		return -EINVAL;
	*ret_key = strtoull(text, NULL, 16);
	return *ret_key ? 0 : -EINVAL;
}

struct names {
	struct hello_name *list;
	size_t n;
};

static void names_clear(struct names *names)
{
	free(names->list);
}

static bool names_hold(const struct names *names, const struct hello_name *other)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->list[i].key == other->key && strcmp(names->list[i].ja4, other->ja4) == 0)
			return true;
	return false;
}

static int take_line(struct names *names, const struct line_reader *l, char *text, char *why,
		     size_t size)
{
	char *name = text + strcspn(text, " \t"), sentence[SENTENCE];
	struct hello_name row;

	if (!*text || *text == '#')
		return 0;
	if (*name)
		*name++ = '\0';
	if (hello_id_parse(text, &row.key, row.ja4) < 0)
		return line_refuse(l, why, size,
				   "%.64s: neither a key (16 hexadecimal digits) nor a JA4", text);
	name = line_trim(name);
	if (hello_name_check(name, sentence, sizeof(sentence)) < 0)
		return line_refuse(l, why, size, "%s", sentence);
	memset(row.name, 0, sizeof(row.name));
	memcpy(row.name, name, strlen(name));
	if (names_hold(names, &row))
		return line_refuse(l, why, size, "%.64s: has a name already", text);
	if (names->n == DICTIONARY_NAMED)
		return line_refuse(l, why, size, "more than %d names", DICTIONARY_NAMED);
	names->list[names->n++] = row;
	return 0;
}

int hellonames_parse(FILE *f, const char *name, char *why, size_t size, struct hello_name **ret,
		     size_t *ret_n)
{
	struct line_reader l = { .file = f, .name = name };
	_cleanup_(names_clear) struct names names = {};
	char *text;
	int r;

	names.list = calloc(DICTIONARY_NAMED, sizeof(*names.list));
	if (!names.list) {
		(void)refuse(why, size, "%s: out of memory", name);
		return -ENOMEM;
	}
	while ((r = line_next(&l, why, size, &text)) > 0) {
		r = take_line(&names, &l, text, why, size);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret = take_ptr(names.list);
	*ret_n = names.n;
	return 0;
}

int hellonames_read(const char *path, char *why, size_t size, struct hello_name **ret,
		    size_t *ret_n)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	int r = -errno;

	if (f)
		return hellonames_parse(f, path, why, size, ret, ret_n);
	if (r == -ENOENT) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	(void)refuse(why, size, "%s: %s", path, strerror(-r));
	return r;
}

int hellonames_apply(struct dictionary *d, const struct hello_name *names, size_t n)
{
	int r = 0;

	dictionary_unname(d);
	for (size_t i = 0; i < n && r == 0; i++)
		r = dictionary_name(d, names[i].key, names[i].ja4, names[i].name);
	return r;
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void put_names(FILE *to, const struct dictionary *d)
{
	fputs("# Names of ClientHellos: key or JA4, then the name. Written by seined.\n", to);
	for (size_t i = 0; i < dictionary_count(d); i++) {
		const struct hello_word *w = dictionary_word(d, i);

		if (!w->name[0])
			continue;
		if (w->key)
			fprintf(to, "%016" PRIx64 " %s\n", w->key, w->name);
		else
			fprintf(to, "%s %s\n", w->ja4.list[0].ja4, w->name);
	}
}

static int write_file(const char *path, const struct dictionary *d)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "we");

	if (!f)
		return -errno;
	put_names(f, d);
	errno = EIO;
	if (ferror(f) || fflush(f) == EOF || fsync(fileno(f)) < 0)
		return -errno;
	return 0;
}

/* A renamed file is on the disk when its directory is. */
static int sync_directory(const char *dir)
{
	_cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int replace(const char *path, const struct dictionary *d)
{
	char dir[PATH_MAX], next[PATH_MAX];
	int r;

	if (snprintf(next, sizeof(next), "%s.new", path) >= (int)sizeof(next))
		return -ENAMETOOLONG;
	r = files_make_parent(path, dir);
	if (r < 0)
		return r;
	r = write_file(next, d);
	if (r == 0 && rename(next, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(next);
		return r;
	}
	return sync_directory(dir);
}

int hellonames_write(const char *path, const struct dictionary *d, char *why, size_t size)
{
	int r = replace(path, d);

	if (r < 0)
		(void)refuse(why, size, "%s: %s", path, strerror(-r));
	return r;
}
