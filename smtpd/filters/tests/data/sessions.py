# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""The fixed set of sessions that servers have for comparison: each a
function of the port, run by a client that waits for every reply."""

import base64
import socket

HOST = "127.0.0.1"
PATIENCE = 60
MAIL = (b"From: <a@example.com>\r\nTo: <b@example.org>\r\n"
        b"Subject: %b\r\n\r\nHello.\r\n..a dot\r\n\r\nbye | bye\r\n.\r\n")


class Talk:
    """A client that says bytes and reads replies."""

    def __init__(self, port):
        self.s = socket.create_connection((HOST, port), PATIENCE)
        self.f = self.s.makefile("rb")
        self.reply()

    def reply(self):
        while (line := self.f.readline())[3:4] == b"-":
            pass
        return line

    def say(self, *lines):
        for line in lines:
            self.s.sendall(line.encode() + b"\r\n")
            self.last = self.reply()

    def starttls(self, context):
        self.say("STARTTLS")
        self.f.close()
        self.s = context.wrap_socket(self.s)
        self.f = self.s.makefile("rb")

    def message(self, subject=b"hi"):
        self.say("DATA")
        if self.last.startswith(b"354"):
            self.s.sendall(MAIL % subject)
            self.last = self.reply()

    def close(self):
        self.f.close()
        self.s.close()


def talk(port, *lines, message=None, quit=True):
    t = Talk(port)
    t.say(*lines)
    if message is not None:
        t.message(message)
    if quit:
        t.say("QUIT")
    t.close()


def two_messages(port):
    t = Talk(port)
    t.say("EHLO client.example.com")
    for n in "12":
        t.say(f"MAIL FROM:<a{n}@example.com>", "RCPT TO:<b@example.org>")
        t.message()
    t.say("QUIT")
    t.close()


def secure(port, context, *lines, message=None):
    t = Talk(port)
    t.say(EHLO)
    t.starttls(context)
    t.say(EHLO, *lines)
    if message is not None:
        t.message(message)
    t.say("QUIT")
    t.close()


def silent(port):
    """Until the server has had enough, in no more than seven minutes."""
    t = Talk(port)
    t.s.settimeout(420)
    t.say(EHLO, FROM)
    while t.f.readline() != b"":
        pass
    t.close()


def plain(password):
    text = base64.b64encode(f"\0me\0{password}".encode()).decode()
    return f"AUTH PLAIN {text}"


EHLO, FROM, TO = ("EHLO client.example.com", "MAIL FROM:<a@example.com>",
                  "RCPT TO:<b@example.org>")
SESSIONS = {
    "plain": lambda port: talk(port, EHLO, FROM, TO, message=b"hi"),
    "helo": lambda port: talk(
        port, "HELO client.example.com", FROM, TO, message=b"hi"),
    "recipients": lambda port: talk(
        port, EHLO, FROM, TO, "RCPT TO:<reject@example.org>",
        "RCPT TO:<x@elsewhere.example>", "RCPT TO:<c@example.org>",
        message=b"hi"),
    "null-sender": lambda port: talk(
        port, EHLO, "MAIL FROM:<>", TO, message=b"hi"),
    "parameters": lambda port: talk(
        port, EHLO, "MAIL FROM:<a@example.com> SIZE=100 BODY=8BITMIME",
        "RCPT TO:<b@example.org> NOTIFY=NEVER", message=b"hi"),
    "rset": lambda port: talk(port, EHLO, FROM, TO, "RSET", "NOOP", FROM),
    "two-messages": two_messages,
    "quit-in-transaction": lambda port: talk(port, EHLO, FROM, TO),
    "hang-up": lambda port: talk(port, EHLO, FROM, TO, quit=False),
    "hang-up-at-once": lambda port: talk(port, quit=False),
    "junk": lambda port: talk(
        port, EHLO, "MAIL FROM:<junk@example.com>", TO, message=b"hi"),
    "rewrite": lambda port: talk(
        port, EHLO, FROM, "RCPT TO:<rewrite@example.org>", message=b"hi"),
    "reject-helo": lambda port: talk(port, "EHLO reject.example.com"),
    "disconnect": lambda port: talk(
        port, "EHLO disconnect.example.com", quit=False),
    "reject-mail": lambda port: talk(
        port, EHLO, "MAIL FROM:<reject@example.com>"),
    "reject-commit": lambda port: talk(
        port, EHLO, FROM, TO, message=b"refuse"),
    "odd-commands": lambda port: talk(
        port, EHLO, "HELP", "VRFY me", "WHAT is this | this", "MAIL FROM:a",
        TO, "DATA"),
}
# With TLS, and a user "me" whose password is "secret".
SECURE = {
    "starttls": lambda port, context: secure(
        port, context, FROM, TO, message=b"hi"),
    "auth": lambda port, context: secure(
        port, context, plain("wrong"), plain("secret"), FROM, TO,
        message=b"hi"),
    "auth-in-steps": lambda port, context: secure(
        port, context, "AUTH PLAIN", plain("wrong")[11:], "AUTH LOGIN",
        "bWU=", "c2VjcmV0", FROM),
    "auth-broken-off": lambda port, context: secure(
        port, context, "AUTH LOGIN", "*", "AUTH X-NONE", FROM),
}
SILENT = {"timeout": silent}
