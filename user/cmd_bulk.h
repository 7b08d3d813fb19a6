/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that go with a file, as more than one command makes them. All speak to stderr
 * themselves, and return an exit code.
 */
#ifndef CMD_BULK_H
#define CMD_BULK_H

#include "user/cmd.h"

/* The file that the command was given, as a descriptor that can go to the agent. */
int cmd_bulk_open(const struct cli_call *call, int *ret_fd);

/* `drop replace` from the options of the command. */
int cmd_bulk_replace_request(const struct cli_call *call, json_t **ret);

/* Sends `request` (which is consumed) with the descriptor (-1: none), and says nothing unless that
 * fails. */
int cmd_bulk_step(const struct cli_call *call, json_t *request, int fd);

/* The same, and shows the change. */
int cmd_bulk_show(const struct cli_call *call, json_t *request, int fd);

#endif
