/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Building blocks of answers.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"

#define TEXT_MAX 256 /* longest text that any map or struct holds */

static const char *const code_names[] = {
	[ANSWER_FAILED] = "failed", [ANSWER_INVALID] = "invalid", [ANSWER_MISSING] = "missing",
	[ANSWER_DENIED] = "denied", [ANSWER_REFUSED] = "refused", [ANSWER_BUSY] = "busy",
};

void answer_clear(struct answer *a)
{
	json_decref(a->head);
	free(a->rows);
	*a = (struct answer){ 0 };
}

const char *answer_code_name(enum answer_code code)
{
	return code_names[code];
}

enum answer_code answer_code_of_errno(int r)
{
	switch (-r) {
	case EINVAL: return ANSWER_INVALID;
	case ENOENT: return ANSWER_MISSING;
	case EACCES: return ANSWER_DENIED;
	case EPERM: return ANSWER_REFUSED;
	default: return ANSWER_FAILED;
	}
}

json_t *answer_new(const char *kind)
{
	return json_pack("{s:{s:i,s:s}}", "seine", "schema", ANSWER_SCHEMA, "kind", kind);
}

json_t *answer_error(enum answer_code code, const char *text)
{
	json_t *answer = answer_new("error");

	json_object_set_new(answer, "error",
			    json_pack("{s:s,s:o}", "code", answer_code_name(code), "text",
				      answer_text(text, TEXT_MAX)));
	return answer;
}

const char *answer_kind(const json_t *answer)
{
	const char *kind =
		json_string_value(json_object_get(json_object_get(answer, "seine"), "kind"));

	return kind ? kind : "";
}

bool answer_is_error(const json_t *answer, enum answer_code *ret_code, const char **ret_text)
{
	const json_t *error = json_object_get(answer, "error");
	const char *code, *text;

	if (strcmp(answer_kind(answer), "error") != 0)
		return false;

	code = json_string_value(json_object_get(error, "code"));
	text = json_string_value(json_object_get(error, "text"));
	*ret_code = ANSWER_FAILED;
	for (size_t i = 0; code && i < ARRAY_LEN(code_names); i++)
		if (strcmp(code, code_names[i]) == 0)
			*ret_code = i;
	*ret_text = text ? text : "no reason given";
	return true;
}

json_t *answer_text(const char *text, size_t size)
{
	char ascii[TEXT_MAX];
	json_t *string;
	size_t len;

	len = strnlen(text, size < sizeof(ascii) ? size : sizeof(ascii) - 1);
	string = json_stringn(text, len);
	if (string)
		return string;

	for (size_t i = 0; i < len; i++)
		ascii[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	return json_stringn(ascii, len);
}

json_t *answer_prefix(const struct prefix *p)
{
	char text[PREFIX_TEXT];

	return json_string(prefix_format(p, text));
}

json_t *answer_address(const uint8_t ip[16])
{
	struct prefix p = prefix_of(ip, 128);

	return answer_prefix(&p);
}

json_t *answer_key(uint64_t key)
{
	return key ? json_sprintf("%016" PRIx64, key) : json_null();
}

json_t *answer_campaign(uint32_t id)
{
	return id ? json_sprintf("c-%04" PRIx32, id) : json_null();
}
