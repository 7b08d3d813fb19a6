/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of ports as it is typed: "443,8443,udp:4433,8000-8100,tcp:all". A port alone means TCP and
 * UDP, since QUIC uses the same numbers. Pure.
 */
#ifndef REPLAY_PORTS_H
#define REPLAY_PORTS_H

#include <stddef.h>
#include "bpf/seine.h"

/* -EINVAL with a sentence in `why`. */
int ports_parse(const char *text, char *why, size_t size, struct seine_ports *ret);

#endif
