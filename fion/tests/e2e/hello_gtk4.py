# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A small GTK 4 program, with a title bar of its own, that tells, in the file
it is given, what happens."""

import sys

import gi

gi.require_version("Gdk", "4.0")
gi.require_version("Gtk", "4.0")
from gi.repository import Gdk, Gio, GLib, Gtk  # noqa: E402


def tell(*words):
    with open(sys.argv[1], "a", encoding="utf-8") as f:
        print(*words, file=f)


class Hello(Gtk.Window):
    def __init__(self):
        super().__init__(title="hello", default_width=300, default_height=200)
        self.set_titlebar(Gtk.HeaderBar())
        self.entry = Gtk.Entry(tooltip_text="write here")
        self.set_child(self.entry)
        menu = Gio.Menu()
        menu.append("something", None)
        self.menu = Gtk.PopoverMenu.new_from_model(menu)
        self.menu.set_parent(self.entry)
        at = Gdk.Rectangle()
        at.x, at.y = 200, 100  # as the entry is as large as the window
        self.menu.set_pointing_to(at)
        self.entry.connect("changed", lambda e: tell("typed", e.get_text()))
        keys = Gtk.EventControllerKey(
            propagation_phase=Gtk.PropagationPhase.CAPTURE)
        keys.connect("key-pressed", self.key)
        self.add_controller(keys)
        self.connect("map", lambda _: tell("shown"))
        self.connect("close-request", self.close_asked)
        self.realize()
        self.get_surface().connect(
            "layout", lambda _, w, h: tell("size", w, h))
        self.present()

    def close_asked(self, _):
        tell("asked to close")
        loop.quit()
        return False

    def key(self, _, key, *_more):
        if key == Gdk.KEY_F9:
            self.menu.popup()
        elif key == Gdk.KEY_F8:
            self.ask()
        elif key == Gdk.KEY_F11:
            (self.unfullscreen if self.is_fullscreen()
             else self.fullscreen)()
        else:
            return False
        return True

    def ask(self):
        dialog = Gtk.Window(title="question", transient_for=self, modal=True)
        entry = Gtk.Entry()
        dialog.set_child(entry)

        def answer(_):
            tell("answered", entry.get_text())
            dialog.destroy()
        entry.connect("activate", answer)
        dialog.present()


GLib.set_prgname("Hello")
Gtk.init()
loop = GLib.MainLoop()
Hello()
loop.run()
