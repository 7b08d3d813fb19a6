/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of requests share, and nobody else needs. */
#ifndef CONTROL_REQUEST_READ_H
#define CONTROL_REQUEST_READ_H

#include <jansson.h>

/* json_unpack() over all members of a request, its verb among them; what the format does not name
 * is refused. */
int request_unpack(const json_t *request, char *why, const char *format, ...);

#endif
