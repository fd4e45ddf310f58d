/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <bsd/sys/queue.h>

#include "lib/log.h"
#include "lib/mem.h"

#include "smtpd/lookup/table_proc.h"

#include "smtpd/proc/lookup/task.h"

#define STACK_LEN  (1u << 20) /* touched as far as it is used */
#define STACK_EDGE 4096       /* at its end, which nothing may touch */

struct task {
	TAILQ_ENTRY(task) entry;
	void (*fn)(void *arg);
	void *arg;
	struct setup *setup;
	uint8_t *stack; /* NULL: has not begun */
	ucontext_t context;
	struct event *event; /* what it waits for */
	int fd, outcome;
	bool turn; /* waits for its turn, not for a descriptor */
	bool done;
};

TAILQ_HEAD(tasks, task);

/* The process has one set of tasks: this is its state. */
static struct {
	struct proc *proc;
	struct tasks tasks, queued;
	struct task *current;
	ucontext_t loop;
	unsigned n;
} state;

static void start_queued(void);

static void
entry(void)
{
	struct task *t = state.current;

	t->fn(t->arg);
	t->done = true;
	/* uc_link leads back to the loop. */
}

/* Those that wait for others look again. */
static void
next_turns(void)
{
	struct task *t;

	TAILQ_FOREACH(t, &state.tasks, entry) {
		if (t->turn && t->event != NULL)
			event_active(t->event, EV_TIMEOUT, 0);
	}
}

static void
end_task(struct task *t)
{
	TAILQ_REMOVE(&state.tasks, t, entry);
	state.n--;
	if (t->event != NULL)
		event_free(t->event);
	munmap(t->stack, STACK_LEN);
	setup_unref(t->setup);
	free(t);
	next_turns();
}

static void
resume(struct task *t)
{
	struct proc *p = state.proc;
	struct setup *now = p->setup;
	int rc;

	state.current = t;
	p->setup = t->setup;
	rc = swapcontext(&state.loop, &t->context);
	p->setup = now;
	state.current = NULL;
	if (rc == -1)
		log_error("lookup: a request can't go on");
	if (rc == -1 || t->done)
		end_task(t);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;

	(void)fd;
	t->outcome = t->turn || (what & (EV_READ | EV_WRITE)) != 0;
	resume(t);
	start_queued();
}

/* In a task: to the loop, and back when the event has come. */
static void
suspend(struct task *t)
{
	if (swapcontext(&t->context, &state.loop) == -1)
		log_error("lookup: a request can't wait");
	event_free(t->event);
	t->event = NULL;
}

static int
wait_for(int fd, short what, int ms)
{
	struct timeval tv = { ms / 1000, (ms % 1000) * 1000L };
	struct task *t = state.current;
	struct pollfd pfd = { fd, what, 0 };

	if (t == NULL)
		return poll(&pfd, 1, ms);
	t->fd = fd;
	t->turn = false;
	t->event = event_new(state.proc->base, fd,
	    what == POLLIN ? EV_READ : EV_WRITE, on_event, t);
	event_add(t->event, &tv);
	suspend(t);
	t->fd = -1;
	return t->outcome;
}

void
task_turn(void)
{
	struct task *t = state.current;

	if (t == NULL)
		return;
	t->turn = true;
	t->event = event_new(state.proc->base, -1, 0, on_event, t);
	suspend(t);
	t->turn = false;
}

/* A descriptor is about to be closed: who waits for it goes on. */
static void
wake(int fd)
{
	struct task *t;

	TAILQ_FOREACH(t, &state.tasks, entry) {
		if (t->fd != fd || t->event == NULL)
			continue;
		event_del(t->event);
		t->fd = -1;
		event_active(t->event, EV_READ, 0);
	}
}

static bool
make_stack(struct task *t)
{
	void *p = mmap(NULL, STACK_LEN, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	t->stack = p;
	if (mprotect(t->stack, STACK_EDGE, PROT_NONE) == -1 ||
	    getcontext(&t->context) == -1) {
		munmap(t->stack, STACK_LEN);
		t->stack = NULL;
		return false;
	}
	t->context.uc_stack.ss_sp = t->stack;
	t->context.uc_stack.ss_size = STACK_LEN;
	t->context.uc_link = &state.loop;
	makecontext(&t->context, entry, 0);
	return true;
}

static void
start_queued(void)
{
	struct task *t;

	while (state.current == NULL && state.n < TASK_MAX &&
	    (t = TAILQ_FIRST(&state.queued)) != NULL) {
		if (!make_stack(t) && state.n > 0)
			return; /* when another has ended */
		TAILQ_REMOVE(&state.queued, t, entry);
		if (t->stack == NULL) {
			/* None has: then it waits with all. */
			t->fn(t->arg);
			free(t);
			continue;
		}
		t->setup = setup_ref(state.proc->setup);
		TAILQ_INSERT_TAIL(&state.tasks, t, entry);
		state.n++;
		resume(t);
	}
}

void
task_start(void (*fn)(void *arg), void *arg)
{
	struct task *t = xcalloc(1, sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	t->fd = -1;
	TAILQ_INSERT_TAIL(&state.queued, t, entry);
	start_queued();
}

static const struct table_proc_waiting waiting = { wait_for, task_turn,
	next_turns, wake };

void
task_init(struct proc *p)
{
	state.proc = p;
	TAILQ_INIT(&state.tasks);
	TAILQ_INIT(&state.queued);
	table_proc_wait_by(&waiting);
}
