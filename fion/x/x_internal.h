/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The maison authors */

/*
 * x_internal: the mirror of the model in X, as the files of this room see it.
 *
 * What X was last told is kept beside what the model wants; x_reconcile()
 * sends the difference, without one round trip.
 */
#ifndef FION_X_X_INTERNAL_H
#define FION_X_X_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <xcb/xcb.h>
#include <xkbcommon/xkbcommon.h>

#include "lib/buf.h"
#include "lib/err.h"

#include "fion/config/config.h"
#include "fion/keys/keymap.h"
#include "fion/model/model.h"
#include "fion/prompt/prompt.h"
#include "fion/text/text.h"
#include "fion/x/props.h"
#include "fion/x/x.h"

/* Every atom we speak of; clang-format never rests on this list. */
/* clang-format off */
#define X_ATOMS(A) \
	A(UTF8_STRING) \
	A(MANAGER) \
	A(WM_STATE) \
	A(WM_PROTOCOLS) \
	A(WM_DELETE_WINDOW) \
	A(WM_TAKE_FOCUS) \
	A(WM_CHANGE_STATE) \
	A(WM_WINDOW_ROLE) \
	A(WM_CLIENT_LEADER) \
	A(_NET_SUPPORTED) \
	A(_NET_SUPPORTING_WM_CHECK) \
	A(_NET_WM_NAME) \
	A(_NET_WM_VISIBLE_NAME) \
	A(_NET_CLIENT_LIST) \
	A(_NET_CLIENT_LIST_STACKING) \
	A(_NET_NUMBER_OF_DESKTOPS) \
	A(_NET_DESKTOP_NAMES) \
	A(_NET_CURRENT_DESKTOP) \
	A(_NET_DESKTOP_GEOMETRY) \
	A(_NET_DESKTOP_VIEWPORT) \
	A(_NET_WORKAREA) \
	A(_NET_ACTIVE_WINDOW) \
	A(_NET_CLOSE_WINDOW) \
	A(_NET_MOVERESIZE_WINDOW) \
	A(_NET_RESTACK_WINDOW) \
	A(_NET_REQUEST_FRAME_EXTENTS) \
	A(_NET_FRAME_EXTENTS) \
	A(_NET_WM_DESKTOP) \
	A(_NET_WM_STATE) \
	A(_NET_WM_STATE_MODAL) \
	A(_NET_WM_STATE_HIDDEN) \
	A(_NET_WM_STATE_FULLSCREEN) \
	A(_NET_WM_STATE_FOCUSED) \
	A(_NET_WM_STATE_DEMANDS_ATTENTION) \
	A(_NET_WM_STATE_MAXIMIZED_VERT) \
	A(_NET_WM_STATE_MAXIMIZED_HORZ) \
	A(_NET_WM_STATE_SKIP_TASKBAR) \
	A(_NET_WM_STATE_SKIP_PAGER) \
	A(_NET_WM_STATE_ABOVE) \
	A(_NET_WM_STATE_BELOW) \
	A(_NET_WM_STATE_STICKY) \
	A(_NET_WM_ALLOWED_ACTIONS) \
	A(_NET_WM_ACTION_FULLSCREEN) \
	A(_NET_WM_ACTION_CLOSE) \
	A(_NET_WM_ACTION_CHANGE_DESKTOP) \
	A(_NET_WM_ACTION_MOVE) \
	A(_NET_WM_ACTION_RESIZE) \
	A(_NET_WM_WINDOW_TYPE) \
	A(_NET_WM_WINDOW_TYPE_DESKTOP) \
	A(_NET_WM_WINDOW_TYPE_DOCK) \
	A(_NET_WM_WINDOW_TYPE_TOOLBAR) \
	A(_NET_WM_WINDOW_TYPE_MENU) \
	A(_NET_WM_WINDOW_TYPE_UTILITY) \
	A(_NET_WM_WINDOW_TYPE_SPLASH) \
	A(_NET_WM_WINDOW_TYPE_DIALOG) \
	A(_NET_WM_WINDOW_TYPE_NOTIFICATION) \
	A(_NET_WM_WINDOW_TYPE_NORMAL) \
	A(_NET_WM_PING) \
	A(_NET_WM_PID) \
	A(_NET_WM_SYNC_REQUEST) \
	A(_NET_WM_SYNC_REQUEST_COUNTER) \
	A(_NET_WM_STRUT) \
	A(_NET_WM_STRUT_PARTIAL) \
	A(_NET_WM_USER_TIME) \
	A(_NET_WM_USER_TIME_WINDOW) \
	A(_NET_WM_FULLSCREEN_MONITORS) \
	A(_MOTIF_WM_HINTS) \
	A(_NET_SYSTEM_TRAY_OPCODE) \
	A(_NET_SYSTEM_TRAY_ORIENTATION) \
	A(_NET_SYSTEM_TRAY_VISUAL) \
	A(_XEMBED) \
	A(_XEMBED_INFO) \
	A(_FION_LAYOUT) \
	A(_FION_TIME)
/* clang-format on */

enum x_atom {
#define A(name) X_##name,
	X_ATOMS(A)
#undef A
	X_ATOM_COUNT
};

enum kind {
	KIND_NORMAL,
	KIND_DIALOG, /* floats */
	KIND_NOTIFICATION,
	KIND_DOCK,
	KIND_DESKTOP,
};

enum owner {
	OWNER_CLIENT, /* the client's own window */
	OWNER_FRAME,  /* ptr is the client */
	OWNER_TIME,   /* where the client keeps its user time */
	OWNER_ALARM,  /* of the client's counter */
	OWNER_TILE,   /* ptr is the tilewin: its window or its strip */
	OWNER_BAR,
	OWNER_TRAY, /* ptr is the icon */
};

struct client {
	TAILQ_ENTRY(client) link; /* in the order they were mapped */
	struct win *win;          /* NULL for docks and desktops */
	xcb_window_t id, frame;
	enum kind kind;
	xcb_visualid_t visual;
	xcb_colormap_t colormap; /* of a visual that is not the root's */
	uint8_t depth;
	uint16_t border;
	struct props_hints hints;
	struct props_size size;
	struct props_strut strut;
	bool has_strut, partial_strut;
	bool takes_focus, deletes, pings, syncs;
	bool modal, skip_taskbar, above, below, maximized;
	bool demands; /* attention, by _NET_WM_STATE */
	bool no_focus, plain, follow_hints;
	xcb_window_t transient_for, time_window;
	uint32_t user_time;
	bool has_time, has_net_name;
	bool placed;      /* in the model, with all that it says known */
	uint32_t stale;   /* bits of what it says anew, to be read */
	uint64_t ping_at; /* when it was asked; 0: it answers */
	uint32_t sync_alarm;
	uint64_t sync_value, sync_ends; /* asked last; ends: 0: answered */
	bool sync_deaf;                 /* it does not answer */
	bool has_span;                  /* fullscreen, these screens: */
	uint32_t span[4];               /* top, bottom, left, right */
	struct rect frame_at, inner_at; /* as sent */
	bool frame_mapped;
	uint32_t sent_state, sent_desktop;
	int sent_wm_state;
};
TAILQ_HEAD(client_list, client);

/* The window of a tile: its ground, its border, its strip of tabs. */
struct tilewin {
	TAILQ_ENTRY(tilewin) link;
	uint32_t tile; /* its id in the model */
	xcb_window_t window, strip;
	struct rect at;
	uint32_t border;
	bool mapped, strip_mapped, seen;
	int strip_w, strip_h;
	uint64_t painted;     /* what the strip shows, as a hash */
	struct win *tabs[64]; /* what lies where on the strip */
	int edges[65];
	size_t n;
	size_t before, after; /* tabs that do not fit, at either end */
};
TAILQ_HEAD(tilewin_list, tilewin);

struct tray_icon {
	TAILQ_ENTRY(tray_icon) link;
	xcb_window_t window, bar; /* bar: where it lies, or 0 */
	struct rect at;
	bool shown; /* it wants to be */
	bool mapped;
};
TAILQ_HEAD(tray_list, tray_icon);

/* A piece of a bar as it was drawn. */
struct bar_cell {
	uint64_t sum; /* of what it shows */
	int at, w, line;
	int wish; /* how wide it would be, had it the room */
};

#define BAR_PIECES 192 /* at either end */

struct barwin {
	TAILQ_ENTRY(barwin) link;
	char *screen;
	xcb_window_t window;
	struct rect at;
	bool mapped;
	uint64_t painted;
	int lines, most_lines;
	struct {
		int from, to, line;
		uint32_t workspace; /* or 0 */
		int block;          /* or -1 */
	} spots[BAR_PIECES];
	size_t n;
	xcb_pixmap_t picture; /* what the window shows; or 0 */
	xcb_gcontext_t gc;
	struct bar_cell cells[2 * BAR_PIECES];
	size_t n_cells;
};
TAILQ_HEAD(barwin_list, barwin);

struct entry {
	uint32_t id;
	enum owner owner;
	void *ptr;
};

/* Where keys go. */
enum input {
	INPUT_NONE,
	INPUT_MODE,
	INPUT_PROMPT,
	INPUT_PASS,
};

#define X_MONITORS 32

struct draw;

struct x {
	xcb_connection_t *c;
	xcb_screen_t *screen;
	int number;
	xcb_window_t root, check, nofocus;
	xcb_atom_t atoms[X_ATOM_COUNT];
	xcb_atom_t wm_sn, tray_sn;
	uint8_t randr_event, xkb_event, sync_event;
	bool has_sync, has_randr, has_xkb, has_monitors;
	struct model *m;
	const struct config *config;
	const struct x_hooks *hooks;
	void *ctx;
	struct style style;
	xcb_timestamp_t time, user_time;
	bool lost;                 /* another window manager took over */
	xcb_generic_event_t *next; /* read already, by x_waiting(); or NULL */
	bool flooded;              /* more came than a turn may take */

	struct entry *entries; /* open addressing, by id */
	size_t n_entries, cap_entries;
	struct client_list clients;
	struct tilewin_list tiles;
	struct barwin_list bars;
	struct tray_list tray;
	bool tray_on;

	xcb_window_t *pending; /* asked to be mapped, in this batch */
	size_t n_pending;
	bool stale; /* a client has something to be read again */

	xcb_window_t focus; /* as sent */
	struct win *focus_win;
	uint64_t refocus_at;
	unsigned refocused;
	struct buf sent_list, sent_stack, sent_layers, sent_names, sent_area;
	uint32_t sent_current, sent_count, sent_active;
	bool dirty; /* the arrangement is to be saved in X */
	uint64_t save_at;

	struct xkb_context *xkb;
	struct keymap keymap;
	struct xkb_state *xkb_state;
	int32_t xkb_device;
	struct grab_list grabs;
	enum input input;
	const struct config_mode *mode;
	bool held;
	unsigned count;
	uint64_t mode_ends;
	struct prompt prompt;
	bool exiting_mode;

	struct rect monitors[X_MONITORS]; /* as the server numbers them */
	size_t n_monitors;
	uint64_t screens_at; /* read them again then; 0: not */
	bool unpainted;
	bool bar_on;
	const struct x_bar *bar;
	char message[TEXT_BYTES + 1]; /* shown in the bar until */
	uint64_t message_ends;
	bool message_calm; /* no fault is told */
	struct draw *draw;
	int bar_height;
};

uint64_t x_now(void); /* milliseconds */

/* conn.c */
void x_prop_cards(struct x *x, xcb_window_t w, enum x_atom name,
    xcb_atom_t type, const uint32_t *v, size_t n);
void x_prop_text(
    struct x *x, xcb_window_t w, enum x_atom name, const char *text);
void x_send(struct x *x, xcb_window_t to, xcb_window_t about, enum x_atom type,
    const uint32_t data[5], uint32_t mask);
void x_remember(struct x *x, uint32_t id, enum owner owner, void *ptr);
void x_forget(struct x *x, uint32_t id);
struct entry *x_lookup(struct x *x, uint32_t id);
struct client *x_client(struct x *x, uint32_t id);
struct client *x_client_of(struct x *x, const struct win *w);

void x_save_layout(struct x *x);

/* client.c */
void client_manage_pending(struct x *x);
void client_queue(struct x *x, xcb_window_t w);
void client_adopt_all(struct x *x);
void client_unmanage(struct x *x, struct client *c, bool gone);
void client_set_urgent(struct x *x, struct client *c, bool urgent);
void client_close(struct x *x, struct client *c, bool kill);

/* said.c */
#define SAID_COUNT 15
#define SAID_TIME  12

/* What was asked of a window that came, to be read by said_read(). */
struct said_asked {
	xcb_get_property_cookie_t cookies[SAID_COUNT], cookie_time_window;
	xcb_window_t time_window;
};

void said_ask(struct x *x, xcb_window_t id, struct said_asked *a);
/* Ask elsewhere what the window keeps elsewhere; before read or drop. */
void said_follow(struct x *x, struct said_asked *a);
void said_read(struct x *x, struct client *c, struct said_asked *a);
void said_drop(struct x *x, struct said_asked *a);
void said_changed(struct x *x, struct client *c, xcb_atom_t atom);
/* Read what changed, of all windows. */
void said_refresh(struct x *x);

/* place.c */
struct win *place_leader(struct x *x, struct client *c);
void place_new(struct x *x, struct client *c, bool adopting);

/* sync.c */
void sync_init(struct x *x);
void sync_watch(struct x *x, struct client *c, uint32_t counter);
void sync_forget(struct x *x, struct client *c);

/* May it get another size now?  If so, that is announced: send it. */
bool sync_ready(struct x *x, struct client *c);
void sync_answered(struct x *x, const xcb_generic_event_t *ev);
void sync_tick(struct client *c, uint64_t now);

/* configure.c */
void configure_request(struct x *x, const xcb_configure_request_event_t *ev);
void configure_tell(struct x *x, struct client *c);

/* render.c */
void render_stack(struct x *x);
void render_client_state(struct x *x, struct client *c);
struct win *tile_win_at(struct x *x, xcb_window_t strip, int px);

/* focus.c */
void focus_apply(struct x *x);
void focus_in(struct x *x, const xcb_focus_in_event_t *ev);
void focus_request(
    struct x *x, struct client *c, bool by_person, xcb_timestamp_t when);

/* ewmh.c */
void ewmh_announce(struct x *x);
void ewmh_update(struct x *x);
void ewmh_withdraw(struct x *x);
void ewmh_message(struct x *x, const xcb_client_message_event_t *ev);

/* keys.c */
int keys_init(struct x *x, struct err *e);
void keys_reload(struct x *x);
void keys_regrab(struct x *x);
void keys_xkb_event(struct x *x, const xcb_generic_event_t *ev);
void keys_free(struct x *x);

/* modes.c */
void modes_key(struct x *x, const xcb_key_press_event_t *ev);
void modes_leave(struct x *x);
void modes_tick(struct x *x, uint64_t now);

/* outputs.c */
void outputs_init(struct x *x);
void outputs_read(struct x *x);
void outputs_struts(struct x *x);

/* All of the four monitors; false: there are no such. */
bool outputs_span(const struct x *x, const uint32_t span[4], struct rect *out);

/* strip.c, panel.c */
void strip_paint_all(struct x *x);
void bar_update(struct x *x); /* windows as the screens are */
void bar_paint_all(struct x *x);
void bar_click(struct x *x, const xcb_button_press_event_t *ev);
void bar_free(struct x *x);

/* tray.c */
void tray_start(struct x *x);
void tray_stop(struct x *x);
bool tray_message(struct x *x, const xcb_client_message_event_t *ev);
void tray_gone(struct x *x, struct tray_icon *icon);
int tray_width(struct x *x);
void tray_leave(struct x *x, xcb_window_t bar); /* it goes */
void tray_property(struct x *x, struct tray_icon *icon, xcb_atom_t atom);
void tray_unmapped(struct x *x, struct tray_icon *icon);
void tray_reparented(struct x *x, struct tray_icon *icon, xcb_window_t parent);
void tray_map(struct x *x, struct tray_icon *icon);

/* The icons at the right end of this bar. */
void tray_place(struct x *x, xcb_window_t bar, int right, int height);

#endif
