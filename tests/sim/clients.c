// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clients, from a file or made up.
 *
 * Five quantiles of each size are known; between and beyond them its logarithm is taken to be
 * linear in the normal score, so that a log-normal size is met exactly.
 */
#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/clients.h"
#include "user/base/cleanup.h"

#define KNOWN 5 /* quantiles in the file */
#define FIELDS 18
#define LINE 1024
#define MADE_UP 160 /* as many as the largest group of the trace */
#define DAY 86400.0

/* Coefficients of variation of intervals within ten minutes; the trace has 0.2 to 9, and 9 in 10 of
 * its clients lie below 4. */
static const double variations[BURSTS / 2] = { 0.25, 0.5, 0.75, 1, 1.25, 1.75, 2.5, 4 };

void clients_free(struct clients *c)
{
	if (!c)
		return;
	free(c->list);
	free(c);
}

static void clients_freep(struct clients **c)
{
	clients_free(*c);
}

/* ---- bursts ---- */

static double weibull_variation(double shape)
{
	return sqrt(fmax(0, exp(lgamma(1 + 2 / shape) - 2 * lgamma(1 + 1 / shape)) - 1));
}

static double weibull_shape(double variation)
{
	double low = 0.1, high = 50;

	for (int i = 0; i < 60; i++) {
		double middle = sqrt(low * high);

		if (weibull_variation(middle) > variation)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* By bisection of the logarithm: the library's inverse does not converge for small shapes. */
static double gamma_quantile(double u, double shape)
{
	double low = -60, high = 6;

	for (int i = 0; i < 40; i++) {
		double middle = (low + high) / 2;

		if (gsl_cdf_gamma_P(exp(middle), shape, 1) < u)
			low = middle;
		else
			high = middle;
	}
	return exp(low);
}

static void make_burst(float ret[QUANTILES], double variation, bool gamma)
{
	double shape = gamma ? 1 / (variation * variation) : weibull_shape(variation), sum = 0;

	for (int i = 0; i < QUANTILES; i++) {
		double u = (i + 0.5) / QUANTILES;

		ret[i] = (float)(gamma ? gamma_quantile(u, shape) : pow(-log1p(-u), 1 / shape));
		sum += ret[i];
	}
	for (int i = 0; i < QUANTILES; i++)
		ret[i] *= (float)(QUANTILES / sum);
}

static uint8_t nearest_burst(double variation, bool gamma)
{
	size_t best = 0;

	for (size_t i = 1; i < ARRAY_LEN(variations); i++)
		if (fabs(log(variations[i] / variation)) < fabs(log(variations[best] / variation)))
			best = i;
	return (uint8_t)(2 * best + gamma);
}

/* ---- sizes ---- */

static float fill_sizes(float ret[QUANTILES], const double known[KNOWN])
{
	static const double at[KNOWN] = { 0.05, 0.25, 0.5, 0.75, 0.95 };
	double sum = 0;

	for (int i = 0; i < QUANTILES; i++) {
		double u = (i + 0.5) / QUANTILES, score = gsl_cdf_ugaussian_Pinv(u), a, b;
		int k = 0;

		while (k < KNOWN - 2 && u > at[k + 1])
			k++;
		a = gsl_cdf_ugaussian_Pinv(at[k]);
		b = gsl_cdf_ugaussian_Pinv(at[k + 1]);
		ret[i] = (float)exp(log(known[k]) +
				    log(known[k + 1] / known[k]) * (score - a) / (b - a));
		sum += ret[i];
	}
	return (float)(sum / QUANTILES);
}

static void lognormal_quantiles(double median, double sd, double ret[KNOWN])
{
	static const double scores[KNOWN] = { -1.645, -0.674, 0, 0.674, 1.645 };

	for (int i = 0; i < KNOWN; i++)
		ret[i] = median * exp(sd * scores[i]);
}

static void set_sizes(struct client *c, double in[KNOWN], double out[KNOWN])
{
	for (int i = 0; i < KNOWN; i++) {
		in[i] = fmax(in[i], 1);
		out[i] = fmax(out[i], 1);
	}
	c->in_mean = fill_sizes(c->in, in);
	c->out_mean = fill_sizes(c->out, out);
}

/* ---- the day ---- */

static void set_day(struct client *c, const double shares[24])
{
	double sum = 0, so_far = 0;

	for (int i = 0; i < 24; i++)
		sum += shares[i];
	for (int i = 0; i < 24; i++) {
		c->day[i] = so_far / sum;
		so_far += shares[i];
	}
	c->day[24] = 1;
}

static double day_part(const struct client *c, double second)
{
	int hour = (int)(second / 3600);

	hour = hour > 23 ? 23 : hour;
	return c->day[hour] + (c->day[hour + 1] - c->day[hour]) * (second / 3600 - hour);
}

static double day_second(const struct client *c, double part)
{
	int hour = 0;

	while (hour < 23 && c->day[hour + 1] <= part)
		hour++;
	if (c->day[hour + 1] <= c->day[hour])
		return 3600.0 * hour;
	return 3600 * (hour + (part - c->day[hour]) / (c->day[hour + 1] - c->day[hour]));
}

double client_later(const struct client *c, double sec, int zone, double work)
{
	double second = fmod(sec + 3600.0 * zone, DAY), part = day_part(c, second) + work;
	double days = floor(part);

	return sec - second + days * DAY + day_second(c, part - days);
}

double client_share(const struct client *c, double from_sec, double to_sec, int zone)
{
	double second = fmod(from_sec + 3600.0 * zone, DAY);

	return day_part(c, fmin(second + to_sec - from_sec, DAY)) - day_part(c, second);
}

/* ---- all of them ---- */

static struct client *append(struct clients *c)
{
	size_t room = c->room ? c->room * 2 : 64;
	struct client *list;

	if (c->all == c->room) {
		list = reallocarray(c->list, room, sizeof(*list));
		if (!list)
			return NULL;
		c->list = list;
		c->room = room;
	}
	c->list[c->all] = (struct client){ 0 };
	return &c->list[c->all++];
}

int clients_add(struct clients *c, double in, double in_sd, double out, double out_sd)
{
	struct client *new = append(c);
	double ins[KNOWN], outs[KNOWN], flat[24];

	if (!new)
		return -ENOMEM;
	lognormal_quantiles(in, in_sd, ins);
	lognormal_quantiles(out, out_sd, outs);
	set_sizes(new, ins, outs);
	for (int i = 0; i < 24; i++)
		flat[i] = 1;
	set_day(new, flat);
	new->burst = nearest_burst(1, true);
	return (int)(c->all - 1);
}

static int split_line(char *line, char *fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		fields[i] = strsep(&line, ",\n");
		if (!fields[i])
			return -EBADMSG;
	}
	return 0;
}

static int read_client(char *line, struct clients *c)
{
	double in[KNOWN], out[KNOWN], day[24], sum = 0;
	char *fields[FIELDS], *at, *save;
	struct client *new;

	if (split_line(line, fields) < 0)
		return -EBADMSG;
	for (int i = 0; i < KNOWN; i++) {
		in[i] = strtod(fields[7 + i], NULL);
		out[i] = strtod(fields[12 + i], NULL);
	}
	at = fields[17];
	for (int i = 0; i < 24; i++, at = NULL) {
		char *share = strtok_r(at, " ", &save);

		day[i] = share ? strtod(share, NULL) : 0;
		sum += day[i];
	}
	if (sum <= 0 || in[KNOWN - 1] <= 0 || out[KNOWN - 1] <= 0)
		return 0; /* nothing is known of it */
	new = append(c);
	if (!new)
		return -ENOMEM;
	set_sizes(new, in, out);
	set_day(new, day);
	new->burst =
		nearest_burst(fmax(strtod(fields[5], NULL), 0.1), strtod(fields[6], NULL) >= 0.5);
	return 0;
}

static int read_clients(FILE *f, struct clients *c)
{
	char line[LINE];
	int r;

	if (!fgets(line, sizeof(line), f) || strncmp(line, "group,client,", 13))
		return -EBADMSG;
	while (fgets(line, sizeof(line), f)) {
		r = read_client(line, c);
		if (r < 0)
			return r;
	}
	return c->all ? 0 : -EBADMSG;
}

/* Medians over clients of 950 tokens in and 101 out; each client's requests spread by 0.73 and 0.86
 * around its own (published for the largest model of the trace). People sleep. */
static int make_up(struct clients *c)
{
	struct rng r = { 1 };
	double day[24];
	int n;

	for (int i = 0; i < MADE_UP; i++) {
		n = clients_add(c, rng_lognormal(&r, 950, 1.1), 0.73, rng_lognormal(&r, 101, 1.4),
				0.86);
		if (n < 0)
			return n;
		for (int h = 0; h < 24; h++)
			day[h] = h < 7 ? 0.3 : 1 + 0.5 * rng_uniform(&r);
		set_day(&c->list[n], day);
		c->list[n].burst =
			nearest_burst(rng_lognormal(&r, 1.17, 0.5), rng_chance(&r, 0.79));
	}
	c->made_up = true;
	return 0;
}

int clients_new(const char *path, struct clients **ret)
{
	_cleanup_(clients_freep) struct clients *c = calloc(1, sizeof(*c));
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	int r;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < BURSTS; i++)
		make_burst(c->bursts[i], variations[i / 2], i % 2);
	r = f ? read_clients(f, c) : make_up(c);
	if (r < 0)
		return r;
	c->n = c->all;
	*ret = take_ptr(c);
	return 0;
}
