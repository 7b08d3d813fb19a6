/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SYN's signature as text, in the notation of p0f version 3 that operators know:
 *
 *	ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass
 *	4:64:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0
 *
 * ver 4 or 6. ittl: initial TTL. olen: length of IP options, 0, or * for some. mss: 0 when absent.
 * wsize: a number, or mss*N, or mtu*N where it is a multiple. scale: 0 when absent. olayout: TCP
 * options in order; ? is one without a name here. quirks: see SEINE_Q_*. pclass: + with data.
 */
#ifndef SIGHT_SYN_TEXT_H
#define SIGHT_SYN_TEXT_H

#include <stdint.h>
#include "bpf/seine.h"

#define SYN_TEXT 224 /* longest text with NUL: every option and quirk */

/* `buf` holds SYN_TEXT bytes. Returns buf. */
const char *syn_format(const struct seine_syn *s, char *buf);

/* One number for one kind of stack: what a path does not change. MSS and window follow the MTU of
 * the path; DF, IP id, ECN and flow label are rewritten or cleared on the way, and the address
 * family is no property of the stack. */
uint64_t syn_class(const struct seine_syn *s);

#endif
