/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sockets the kernel need not tell of: a small program that goes with the question for
 * sockets (inet_diag) and is run on each of them, so that what it leaves out is never copied. Pure.
 */
#ifndef HOST_SOCKFILTER_H
#define HOST_SOCKFILTER_H

#include <stddef.h>
#include <stdint.h>
#include "user/base/prefix.h"

#define SOCKFILTER_BYTES 32768 /* jumps count bytes in 16 bits */
#define SOCKFILTER_RANGES 1024 /* of ports: further ones are told of */

struct sockfilter {
	size_t len; /* 0: leaves out nothing */
	_Alignas(4) uint8_t code[SOCKFILTER_BYTES];
};

/* Leaves out sockets whose local port is set in `skip`, SEINE_PORT_WORDS words of one bit a port. */
void sockfilter_ports(struct sockfilter *f, const uint64_t *skip);
/* Leaves out sockets whose remote address lies in `p`. Where there is no room it does nothing. */
void sockfilter_remote(struct sockfilter *f, const struct prefix *p);
/* Afterwards it can be sent. */
void sockfilter_end(struct sockfilter *f);

#endif
