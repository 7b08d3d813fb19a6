/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows as they lie on the disk. Pure; what is read back is input, and is bounded.
 *
 * A key is 4 bytes for IPv4, 8 for the /64 of IPv6, 16 for any other address. A deed is two hashes
 * of 8 bytes, then its counts as variable-length integers, low seven bits first; zeros at the end
 * are left out. All fixed numbers are little-endian.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include <stddef.h>
#include <stdint.h>
#include "user/shoal/shoal.h"
#include "user/sight/sums.h"
#include "user/store/history.h"

#define KEY_BYTES 16
#define DEED_BYTES (2 * 8 + 9 * 5 + 10) /* the most it takes */
#define NET_BYTES (4 * 5)
#define MEMBER_BYTES 50

/* Each returns the bytes it wrote. */
size_t key_pack(const uint8_t address[16], uint8_t ret[KEY_BYTES]);
size_t deed_pack(const struct deed *d, uint8_t ret[DEED_BYTES]);
size_t net_pack(const struct net_deed *d, uint8_t ret[NET_BYTES]);
size_t member_pack(const struct member *m, int64_t epoch_sec, uint8_t ret[MEMBER_BYTES]);

/* 0 or -EBADMSG. Addresses of deeds are not theirs to fill. */
int key_unpack(const uint8_t *at, size_t n, uint8_t ret[16]);
int deed_unpack(const uint8_t *at, size_t n, struct deed *ret);
int net_unpack(const uint8_t *at, size_t n, struct net_deed *ret);
int member_unpack(const uint8_t at[MEMBER_BYTES], int64_t epoch_sec, struct member *ret);

/* What came later is added; its ClientHello is the last one. */
void deed_merge(struct deed *to, const struct deed *later);
void net_merge(struct net_deed *to, const struct net_deed *later);

/* Times are kept since 1970. What lies before this boot is at its first second, as 0 is never. */
int64_t sec_to_unix(uint32_t sec, int64_t epoch_sec);
uint32_t sec_from_unix(int64_t unix_sec, int64_t epoch_sec);

#endif
