// SPDX-License-Identifier: GPL-2.0-or-later
/* seined, the agent: arguments, configuration, start. */
#include <errno.h>
#include <getopt.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <string.h>
#include "user/agent.h"
#include "user/base/log.h"
#include "user/conf.h"
#include "user/version.h"

enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_MISUSE = 2,
	EXIT_CONFIG = 78, /* EX_CONFIG of sysexits.h: a restart would not help */
};

static const char help[] =
	"Usage: seined [OPTION]...\n"
	"Finds swarms of proxy addresses behind an API and drops them in XDP.\n"
	"\n"
	"  --config FILE   settings, instead of " CONF_PATH_DEFAULT "\n"
	"  --check-config  read the settings, say what is wrong with them, and exit\n"
	"  --remove-maps   forget all counts, entries and allow list, and exit\n"
	"  --help          show this\n"
	"  --version       show the version\n"
	"\n"
	"It runs in the foreground and logs to stderr. SIGHUP reads the settings anew.\n"
	"Exit status: 0 stopped, 1 failed, 2 misuse, 78 error in the settings.\n"
	"See seined(8), seine.conf(5), and seine(8) for the command line.\n";

struct arguments {
	const char *config;
	bool check, remove_maps;
};

/* -1: go on; else the exit status. */
static int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "remove-maps", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct arguments a = { .config = CONF_PATH_DEFAULT };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'c': a.config = optarg; break;
		case 'k': a.check = true; break;
		case 'r': a.remove_maps = true; break;
		case 'h': fputs(help, stdout); return EXIT_DONE;
		case 'V': puts("seined " SEINE_VERSION); return EXIT_DONE;
		default: return EXIT_MISUSE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "seined: takes no arguments: %s; see seined --help\n",
			argv[optind]);
		return EXIT_MISUSE;
	}
	*ret = a;
	return -1;
}

static int remove_maps(const struct conf *conf)
{
	int r = datapath_unpin(conf->pin_dir);

	if (r == -EBUSY)
		log_error("another seined uses the maps in %s", conf->pin_dir);
	else if (r < 0 && r != -ENOENT)
		log_error("cannot remove the maps in %s: %s", conf->pin_dir, strerror(-r));
	return r < 0 && r != -ENOENT ? EXIT_FAILED : EXIT_DONE;
}

static int run(const struct arguments *arguments, const struct conf *conf)
{
	struct agent *agent = NULL;
	char why[DATAPATH_WHY];
	int r;

	r = agent_start(arguments->config, conf, why, &agent);
	if (r < 0) {
		log_error("%s", why);
		return EXIT_FAILED;
	}
	r = agent_run(agent);
	if (r < 0)
		log_error("event loop: %s", strerror(-r));
	agent_stop(agent);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	char why[DATAPATH_WHY];
	struct conf conf;
	int r;

	gsl_set_error_handler_off(); /* its default is abort() */
	r = arguments_parse(argc, argv, &arguments);
	if (r >= 0)
		return r;
	r = conf_load(arguments.config, why, sizeof(why), &conf);
	if (r < 0) {
		log_error("%s", why);
		return EXIT_CONFIG;
	}
	if (arguments.check)
		return EXIT_DONE;
	if (arguments.remove_maps)
		return remove_maps(&conf);
	return run(&arguments, &conf);
}
