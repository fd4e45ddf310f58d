/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include "plakar/ui/progress.h"
#include "plakar/ui/text.h"
#include "plakar/ui/ui.h"

#define UPDATES_A_SECOND 8
#define COLUMNS          80
#define COLUMNS_MIN      20
#define CLEAR_LINE       "\r\033[K"

struct ui {
	enum ui_mode mode;
	pthread_mutex_t lock; /* of all below, and of both outputs */
	pthread_cond_t wake;
	pthread_t thread;
	bool running; /* a progress thread is */
	bool ending;  /* it is to end */
	bool shown;   /* a progress line is on the terminal */
	ui_sample_cb sample;
	void *sample_ctx;
	struct timespec begun;
};

struct ui *
ui_new(void)
{
	struct ui *ui = xcalloc(1, sizeof(*ui));
	pthread_condattr_t attr;

	pthread_mutex_init(&ui->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ui->wake, &attr);
	pthread_condattr_destroy(&attr);
	return ui;
}

void
ui_free(struct ui *ui)
{
	if (ui == NULL)
		return;
	ui_progress_end(ui);
	pthread_cond_destroy(&ui->wake);
	pthread_mutex_destroy(&ui->lock);
	free(ui);
}

void
ui_set_mode(struct ui *ui, enum ui_mode mode)
{
	ui->mode = mode;
}

bool
ui_is_json(const struct ui *ui)
{
	return ui->mode == UI_JSON;
}

/* Take the progress line away, so that something else can be printed. */
static void
begin_print(struct ui *ui)
{
	pthread_mutex_lock(&ui->lock);
	if (ui->shown) {
		fputs(CLEAR_LINE, stderr);
		fflush(stderr);
		ui->shown = false;
	}
}

static void
end_print(struct ui *ui)
{
	pthread_mutex_unlock(&ui->lock);
}

static void print_line(struct ui *ui, const char *fmt, va_list ap)
    ATTR_PRINTF(2, 0);

static void
print_line(struct ui *ui, const char *fmt, va_list ap)
{
	begin_print(ui);
	vprintf(fmt, ap);
	putchar('\n');
	end_print(ui);
}

void
ui_result(struct ui *ui, const char *fmt, ...)
{
	va_list ap;

	if (ui->mode == UI_JSON)
		return;
	va_start(ap, fmt);
	print_line(ui, fmt, ap);
	va_end(ap);
}

void
ui_note(struct ui *ui, const char *fmt, ...)
{
	va_list ap;

	if (ui->mode != UI_TEXT)
		return;
	va_start(ap, fmt);
	print_line(ui, fmt, ap);
	va_end(ap);
}

void
ui_object(struct ui *ui, const char *type, json_t *o)
{
	if (ui->mode == UI_JSON) {
		json_object_set_new(o, "type", json_string(type));
		begin_print(ui);
		json_dumpf(o, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		putchar('\n');
		fflush(stdout);
		end_print(ui);
	}
	json_decref(o);
}

void
ui_tell(struct ui *ui, const char *type, const char *path, const char *text)
{
	struct buf line = { 0 };

	if (ui->mode == UI_JSON) {
		json_t *o = json_object();

		if (path != NULL)
			text_json(o, "path", path, strlen(path));
		text_json(o, "text", text, strlen(text));
		ui_object(ui, type, o);
		return;
	}
	if (ui->mode == UI_QUIET && strcmp(type, "error") != 0)
		return;
	if (path != NULL) {
		text_escape(&line, path, strlen(path));
		buf_add_str(&line, ": ");
	}
	text_escape(&line, text, strlen(text));
	begin_print(ui);
	fprintf(stderr, "%s: %s\n", type, buf_str(&line));
	end_print(ui);
	buf_free(&line);
}

void
ui_error(struct ui *ui, const struct err *e)
{
	struct buf line = { 0 };

	text_escape(&line, e->msg, strlen(e->msg));
	begin_print(ui);
	fflush(stdout);
	fprintf(stderr, "plakar: %s\n", buf_str(&line));
	end_print(ui);
	buf_free(&line);
}

int
ui_write(struct ui *ui, const void *data, size_t len, struct err *e)
{
	int rc = 0;

	begin_print(ui);
	if (len > 0 && fwrite(data, len, 1, stdout) != 1) {
		err_sys(e, "cannot write to standard output");
		rc = -1;
	}
	end_print(ui);
	return rc;
}

int
ui_flush(struct ui *ui, struct err *e)
{
	int rc = 0;

	begin_print(ui);
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		err_sys(e, "cannot write to standard output");
		rc = -1;
	}
	end_print(ui);
	return rc;
}

static size_t
columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == -1 ||
	    size.ws_col < COLUMNS_MIN)
		return COLUMNS - 1;
	/* One less: a full line makes some terminals wrap. */
	return size.ws_col < COLUMNS ? size.ws_col - 1u : COLUMNS - 1;
}

static double
seconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - then->tv_sec) +
	    (double)(now.tv_nsec - then->tv_nsec) / 1e9;
}

/* The line in one write, the rest of the old one cleared after it. */
static void
show(struct ui *ui, struct buf *line)
{
	struct ui_sample s = { 0 };

	ui->sample(ui->sample_ctx, &s);
	progress_line(&s, seconds_since(&ui->begun), columns(), line);
	fprintf(stderr, "\r%s\033[K", buf_str(line));
	fflush(stderr);
	ui->shown = true;
}

static void *
progress_main(void *arg)
{
	struct ui *ui = arg;
	struct buf line = { 0 };
	struct timespec next;

	pthread_mutex_lock(&ui->lock);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!ui->ending) {
		int rc = 0;

		next.tv_nsec += 1000000000 / UPDATES_A_SECOND;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		while (!ui->ending && rc != ETIMEDOUT)
			rc =
			    pthread_cond_timedwait(&ui->wake, &ui->lock, &next);
		if (!ui->ending)
			show(ui, &line);
	}
	pthread_mutex_unlock(&ui->lock);
	buf_free(&line);
	return NULL;
}

void
ui_progress_begin(struct ui *ui, ui_sample_cb cb, void *ctx)
{
	if (ui->mode != UI_TEXT || isatty(STDERR_FILENO) == 0)
		return;
	ui->sample = cb;
	ui->sample_ctx = ctx;
	ui->ending = false;
	clock_gettime(CLOCK_MONOTONIC, &ui->begun);
	ui->running = pthread_create(&ui->thread, NULL, progress_main, ui) == 0;
}

void
ui_progress_end(struct ui *ui)
{
	if (!ui->running)
		return;
	pthread_mutex_lock(&ui->lock);
	ui->ending = true;
	pthread_cond_signal(&ui->wake);
	pthread_mutex_unlock(&ui->lock);
	pthread_join(ui->thread, NULL);
	ui->running = false;
	begin_print(ui);
	end_print(ui);
}
