/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes over a unix socket, and with them a descriptor. */
#ifndef CONTROL_PASSING_H
#define CONTROL_PASSING_H

#include <stddef.h>
#include <sys/types.h>

/* As send(2); `passed` goes along with the bytes, -1: none. The number of bytes or a negative
 * errno. */
ssize_t passing_send(int fd, const void *bytes, size_t len, int passed);

/*
 * As recv(2). A descriptor that comes along goes to `*ret_passed` if that is -1, closed on exec.
 * Others, and all where `ret_passed` is NULL, are let go by the kernel before they are ours.
 */
ssize_t passing_receive(int fd, void *bytes, size_t len, int *ret_passed);

#endif
