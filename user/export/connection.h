/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection as JSON, the same for `seine connections` and `seine replay --connections`:
 *
 *	{"time":1763683200.0,"source":"198.51.100.7","sport":50312,"dport":443,
 *	 "ja4":"t13d...","ja4_stable":"t13d...","hello":"8f3a5d0c11e0b7a2","syn_signature":"4:64:...",
 *	 "rtt_tcp_us":20400,"rtt_min_us":19900,"g1_us":210,"delta_us":1700,"gap":"none",
 *	 "tls":"1.3","flags":["hello"],"requests":1,"request_bytes":812,"response_bytes":5120}
 *
 * What was not measured, or is not known, is null. Times are in microseconds, `time` in seconds of
 * the Unix epoch: when the connection began.
 */
#ifndef EXPORT_CONNECTION_H
#define EXPORT_CONNECTION_H

#include <jansson.h>
#include "bpf/seine.h"

/* NULL only when memory is out. `ja4` and `ja4_stable` may be NULL: not known. */
json_t *connection_json(const struct seine_connection *c, const char *ja4, const char *ja4_stable,
			double time);

/* "1.3 psk"; "unknown" for a number that is none of them. */
const char *tls_name(enum seine_tls tls);

#endif
