// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of users. See who.h. */
#include "user/who.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>

const char *who_name(struct who_names *names, uint32_t uid)
{
	const struct passwd *user;
	unsigned int at;

	for (at = 0; at < WHO_KEPT; at++)
		if (names->list[at].name[0] && names->list[at].uid == uid)
			return names->list[at].name;
	at = names->next++ % WHO_KEPT;
	user = getpwuid((uid_t)uid);
	names->list[at].uid = uid;
	if (user && user->pw_name[0])
		snprintf(names->list[at].name, WHO_NAME, "%s", user->pw_name);
	else
		snprintf(names->list[at].name, WHO_NAME, "uid %" PRIu32, uid);
	return names->list[at].name;
}
