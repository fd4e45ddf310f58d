# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""A small Qt program that tells, in the file it is given, what happens."""

import sys

from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtWidgets import (QApplication, QDialog, QLineEdit, QMainWindow,
                             QMenu)


def tell(*words):
    with open(sys.argv[1], "a", encoding="utf-8") as f:
        print(*words, file=f)


class Hello(QMainWindow):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("hello")
        self.entry = QLineEdit()
        self.entry.setToolTip("write here")
        self.entry.textChanged.connect(lambda text: tell("typed", text))
        self.setCentralWidget(self.entry)
        self.menu = QMenu(self)
        self.menu.addAction("something", lambda: tell("chosen"))
        self.full = False
        self.show()
        self.entry.setFocus()

    def showEvent(self, event):
        tell("shown")

    def resizeEvent(self, event):
        # Not the event's: when two come at once, the first has the size of
        # then, and the second is not told of, as the widget is there by now.
        tell("size", self.width(), self.height())

    def closeEvent(self, event):
        tell("asked to close")

    def keyPressEvent(self, event):
        if event.key() == Qt.Key_F9:
            self.menu.popup(self.entry.mapToGlobal(QPoint(20, 20)))
        elif event.key() == Qt.Key_F8:
            self.ask()
        elif event.key() == Qt.Key_F11:
            self.full = not self.full
            (self.showFullScreen if self.full else self.showNormal)()

    def ask(self):
        dialog = QDialog(self)
        dialog.setWindowTitle("question")
        entry = QLineEdit(dialog)

        def answer():
            tell("answered", entry.text())
            dialog.close()
        entry.returnPressed.connect(answer)
        dialog.resize(200, 80)
        dialog.open()


qt = QApplication(["hello"])
qt.setApplicationName("Hello")
window = Hello()
sys.exit(qt.exec_())
