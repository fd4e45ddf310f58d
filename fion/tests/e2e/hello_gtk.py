# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A small GTK program that tells, in the file it is given, what happens."""

import sys

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def tell(*words):
    with open(sys.argv[1], "a", encoding="utf-8") as f:
        print(*words, file=f)


class Hello(Gtk.Window):
    def __init__(self):
        super().__init__(title="hello", default_width=300, default_height=200)
        self.entry = Gtk.Entry(tooltip_text="write here")
        self.add(self.entry)
        self.menu = Gtk.Menu()
        item = Gtk.MenuItem(label="something")
        item.connect("activate", lambda _: tell("chosen"))
        self.menu.append(item)
        self.menu.show_all()
        self.full = False
        self.entry.connect("changed", lambda e: tell("typed", e.get_text()))
        self.connect("key-press-event", self.key)
        self.connect("configure-event", lambda _, ev: tell(
            "size", ev.width, ev.height))
        self.connect("map-event", lambda *_: tell("shown"))
        self.connect("delete-event", self.close_asked)
        self.show_all()

    def close_asked(self, *_):
        tell("asked to close")
        Gtk.main_quit()
        return False

    def key(self, _, event):
        if event.keyval == Gdk.KEY_F9:
            self.menu.popup_at_widget(
                self.entry, Gdk.Gravity.CENTER, Gdk.Gravity.NORTH_WEST, event)
        elif event.keyval == Gdk.KEY_F8:
            self.ask()
        elif event.keyval == Gdk.KEY_F11:
            self.full = not self.full
            (self.fullscreen if self.full else self.unfullscreen)()
        else:
            return False
        return True

    def ask(self):
        dialog = Gtk.Dialog(title="question", transient_for=self, modal=True)
        entry = Gtk.Entry()
        dialog.get_content_area().add(entry)

        def answer(_):
            tell("answered", entry.get_text())
            dialog.destroy()
        entry.connect("activate", answer)
        dialog.show_all()


GLib.set_prgname("hello")
Gdk.set_program_class("Hello")
Hello()
Gtk.main()
