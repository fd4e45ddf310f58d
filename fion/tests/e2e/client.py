# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A program with one window, on a connection of its own."""

from Xlib import X, XK, Xatom, Xutil, display
from Xlib.error import ConnectionClosedError
from Xlib.protocol import event


class Client:
    def __init__(self, name, wm_class=("test", "Test"), title="a window",
                 size=(200, 100), input=True, protocols=(), **attributes):
        self.x = display.Display(name)
        self.root = self.x.screen().root
        self.window = self.root.create_window(
            0, 0, *size, 0, self.x.screen().root_depth,
            event_mask=X.KeyPressMask | X.FocusChangeMask
            | X.StructureNotifyMask | X.PropertyChangeMask
            | X.ButtonPressMask | X.ExposureMask, **attributes)
        self.id = self.window.id
        self.window.set_wm_class(*wm_class)
        self.window.set_wm_name(title)
        self.window.set_wm_hints(flags=Xutil.InputHint, input=int(input))
        self.window.set_wm_protocols(
            [self.atom(p) for p in protocols])
        self.events = []

    def atom(self, name):
        return self.x.intern_atom(name)

    def set_atoms(self, name, *values):
        self.window.change_property(
            self.atom(name), Xatom.ATOM, 32, [self.atom(v) for v in values])

    def set_cards(self, name, *values):
        self.window.change_property(
            self.atom(name), Xatom.CARDINAL, 32, list(values))

    def map(self):
        self.window.map()
        self.x.sync()

    def get(self, name, window=None):
        """A property's value, or None."""
        found = (window or self.window).get_full_property(
            self.atom(name), X.AnyPropertyType)
        return None if found is None else found.value

    def atoms(self, name, window=None):
        return {self.x.get_atom_name(a)
                for a in self.get(name, window) or []}

    def managed(self):
        state = self.get("WM_STATE")
        return state is not None and state[0] != 0

    def place(self):
        """Where it is on the root, and its size."""
        at = self.root.translate_coords(self.window, 0, 0)
        size = self.window.get_geometry()
        return at.x, at.y, size.width, size.height

    def visible(self):
        return self.window.get_attributes().map_state == X.IsViewable

    def send(self, kind, *data, about=None):
        """A client message to the root, as pagers send."""
        message = event.ClientMessage(
            window=about or self.window, client_type=self.atom(kind),
            data=(32, (list(data) + [0] * 5)[:5]))
        self.root.send_event(
            message, X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self.x.sync()

    def read(self):
        """Take what has come."""
        self.x.sync()
        while self.x.pending_events():
            self.events.append(self.x.next_event())
        return self.events

    def keys(self):
        """The key codes that were pressed into it; modifiers, which are
        nobody's, left out."""
        return [e.detail for e in self.read() if e.type == X.KeyPress
                and not XK.XK_Shift_L <= self.x.keycode_to_keysym(
                    e.detail, 0) <= XK.XK_Hyper_R]

    def messages(self, name):
        """Client messages of WM_PROTOCOLS with this name."""
        return [e for e in self.read() if e.type == X.ClientMessage
                and e.data[1][0] == self.atom(name)]

    def has_focus(self):
        focus = self.x.get_input_focus().focus
        return getattr(focus, "id", focus) == self.id

    def close(self):
        try:
            self.x.close()
        except (ConnectionClosedError, OSError):
            pass  # it was ended by the window manager
