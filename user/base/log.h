/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per event, to stderr. Under systemd the line carries its priority, which the journal
 * takes off again; elsewhere it is plain. Control characters are printed as '?'. Only the agent
 * and the commands log; modules return what happened.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/* Priorities of syslog(3). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

__attribute__((format(printf, 2, 3))) void log_at(enum log_level level, const char *format, ...);

#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
