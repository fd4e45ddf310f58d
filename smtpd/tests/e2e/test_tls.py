# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The maison authors
"""TLS in: STARTTLS and smtps, names, client certificates, tickets."""

import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import warnings

import pytest
from certs import Authority
from conftest import GID, MAILDIR, PATIENCE, SMTPD, UID, wait_for


@pytest.fixture
def authority(smtpd):
    (smtpd.dir / "tls").mkdir(mode=0o755)
    ca = Authority(smtpd.dir / "tls")
    ca.issue("mx.example.org")
    ca.issue("two.example.org", "rsa")
    return ca


def conf(daemon, listen, extra=""):
    pkis = "".join(
        f'pki {name} cert "{daemon.dir}/tls/{name}.crt" '
        f'key "{daemon.dir}/tls/{name}.key"\n'
        for name in ("mx.example.org", "two.example.org"))
    return (f"{pkis}{extra}"
            f'table users {{ "alice@example.org" = alice }}\n'
            f'table base {{ alice = "{UID}:{GID}:{daemon.dir}/alice" }}\n'
            f"listen on 127.0.0.1 port {{port}} {listen} pki mx.example.org "
            f"pki two.example.org\n{MAILDIR}")


@pytest.fixture
def tls(smtpd, authority):
    """smtpd with STARTTLS."""
    smtpd.ca = authority
    return smtpd.start(conf(smtpd, "tls"))


@pytest.fixture
def smtps(smtpd, authority):
    smtpd.ca = authority
    return smtpd.start(conf(smtpd, "smtps"))


def handshake(daemon, context, name="mx.example.org", session=None):
    sock = context.wrap_socket(daemon.raw(), server_hostname=name,
                               session=session)
    assert sock.recv(100).startswith(b"220 ")
    return sock


def test_starttls_delivers_and_says_so(tls):
    with tls.smtp() as client:
        client.ehlo()
        assert client.has_extn("starttls")
        client._host = "mx.example.org"
        client.starttls(context=tls.ca.trust())
        client.ehlo()
        assert not client.has_extn("starttls")
        client.sendmail("s@test.org", "alice@example.org", "Subject: x\n\nb")
    mail = tls.wait_mails("alice", 1)[0]
    assert "with ESMTPS id " in mail
    assert "(TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)" in mail


def test_swaks_delivers_over_both(tls):
    if shutil.which("swaks") is None:
        pytest.skip("swaks is not installed")
    done = subprocess.run(
        ["swaks", "--server", f"127.0.0.1:{tls.port}", "-tls", "--to",
         "alice@example.org", "--from", "s@test.org"],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    tls.wait_mails("alice", 1)


def test_clear_text_still_serves_where_tls_is_only_offered(tls):
    tls.send("alice@example.org")
    tls.wait_mails("alice", 1)


def test_required_tls_is_demanded_before_mail(smtpd, authority):
    smtpd.start(conf(smtpd, "tls-require"))
    with smtpd.smtp() as client:
        client.ehlo()
        assert client.mail("s@test.org")[0] == 530
        client._host = "mx.example.org"
        client.starttls(context=authority.trust())
        client.ehlo()
        assert client.mail("s@test.org")[0] == 250


@pytest.mark.parametrize("name", ["mx.example.org", "two.example.org"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_smtps_serves_the_name_that_is_asked_for(smtps, name, version):
    context = smtps.ca.trust(
        maximum_version=getattr(ssl.TLSVersion, version))
    with handshake(smtps, context, name) as sock:
        assert ("DNS", name) in sock.getpeercert()["subjectAltName"]
        assert sock.version() == version.replace("_", ".")


def test_an_unknown_name_gets_the_first_certificate(smtps):
    context = smtps.ca.trust(check_hostname=False)
    with handshake(smtps, context, "other.example.org") as sock:
        names = sock.getpeercert()["subjectAltName"]
        assert ("DNS", "mx.example.org") in names


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_session_resumes_with_whatever_dispatcher(smtps, version):
    context = smtps.ca.trust(
        maximum_version=getattr(ssl.TLSVersion, version))
    with handshake(smtps, context) as sock:
        session = sock.session
    assert session is not None and session.has_ticket
    for _ in range(8):
        with handshake(smtps, context, session=session) as sock:
            assert sock.session_reused


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(smtps, version):
    context = smtps.ca.trust()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = getattr(ssl.TLSVersion, version)
        context.maximum_version = getattr(ssl.TLSVersion, version)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(smtps, context)


def test_what_is_said_before_tls_counts_for_nothing(tls):
    """CVE-2011-0411 and its kin: commands injected behind STARTTLS."""
    sock = tls.raw()
    sock.recv(200)
    sock.sendall(b"EHLO me\r\n")
    sock.recv(1000)
    sock.sendall(b"STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@test.org>\r\n")
    assert sock.recv(1000) == b"220 2.0.0 Ready to start TLS\r\n"
    with tls.ca.trust().wrap_socket(
            sock, server_hostname="mx.example.org") as secure:
        secure.sendall(b"NOOP\r\n")
        assert secure.recv(1000) == b"250 2.0.0 Ok\r\n"
        secure.sendall(b"RCPT TO:<alice@example.org>\r\n")
        assert secure.recv(1000).startswith(b"503 ")
        secure.sendall(b"MAIL FROM:<s@test.org>\r\n")
        assert secure.recv(1000).startswith(b"503 5.5.1 Say HELO")


def test_starttls_misused(tls):
    sock = tls.raw()
    file = sock.makefile("rb")
    file.readline()
    sock.sendall(b"STARTTLS now\r\n")
    assert file.readline().startswith(b"501 ")
    with tls.smtp() as client:
        client.ehlo()
        client._host = "mx.example.org"
        client.starttls(context=tls.ca.trust())
        client.ehlo()
        assert client.docmd("STARTTLS")[0] == 503
    sock.close()


def test_rubbish_for_a_handshake_harms_nobody(smtps):
    for rubbish in (b"EHLO clear text\r\n", b"\x16\x03\x01\xff\xff" * 100,
                    bytes(5000)):
        with smtps.raw() as sock:
            sock.sendall(rubbish)
            while True:
                try:
                    if not sock.recv(1000):
                        break
                except ConnectionError:
                    break
    with handshake(smtps, smtps.ca.trust()):
        pass


@pytest.mark.parametrize("known", [True, False])
def test_verify_demands_a_certificate_of_its_ca(smtpd, authority, known):
    smtpd.start(conf(smtpd, 'smtps verify ca "own"',
                     f'ca "own" cert "{smtpd.dir}/tls/ca.pem"\n'))
    if known:
        authority.issue("client")
        where = authority.dir
    else:
        where = smtpd.dir / "stranger"
        where.mkdir()
        Authority(where).issue("client")
    context = authority.trust()
    context.load_cert_chain(where / "client.crt", where / "client.key")
    if known:
        with handshake(smtpd, context):
            wait_for(lambda: "client=verified" in smtpd.log_text(),
                     "the log names it")
    else:
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            handshake(smtpd, context)
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        handshake(smtpd, authority.trust())


def test_an_expired_client_certificate_is_refused(smtpd, authority):
    smtpd.start(conf(smtpd, 'smtps verify ca "own"',
                     f'ca "own" cert "{authority.path}"\n'))
    context = authority.trust()
    context.load_cert_chain(*authority.issue("client", days=-1))
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        handshake(smtpd, context)
    wait_for(lambda: "certificate verify failed" in smtpd.log_text(),
             "the reason")
    context = authority.trust()
    context.load_cert_chain(*authority.issue("client"))
    with handshake(smtpd, context):
        pass


def test_openssl_s_client_is_served(tls):
    done = subprocess.run(
        ["openssl", "s_client", "-starttls", "smtp", "-connect",
         f"127.0.0.1:{tls.port}", "-servername", "mx.example.org", "-CAfile",
         tls.ca.path, "-verify_return_error", "-verify_hostname",
         "mx.example.org", "-crlf", "-ign_eof"],
        input="EHLO me\nNOOP\nQUIT\n", capture_output=True, text=True,
        timeout=PATIENCE, check=False)
    assert "250-SIZE" in done.stdout and "STARTTLS" not in done.stdout
    assert "\n221 2.0.0 Bye" in done.stdout, done


def test_a_rule_may_ask_for_tls(smtpd, authority):
    text = conf(smtpd, "tls").replace(
        'match from any for domain', 'match tls from any for domain')
    smtpd.start(text)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        smtpd.send("alice@example.org")
    with smtpd.smtp() as client:
        client._host = "mx.example.org"
        client.starttls(context=authority.trust())
        client.sendmail("s@test.org", "alice@example.org", "Subject: x\n\nb")
    smtpd.wait_mails("alice", 1)


def test_a_reload_serves_the_new_certificate(smtps):
    def serial():
        with handshake(smtps, smtps.ca.trust()) as sock:
            return sock.getpeercert()["serialNumber"]

    old = serial()
    with handshake(smtps, smtps.ca.trust()) as held:
        smtps.ca.issue("mx.example.org")
        smtps.own()
        smtps.process.send_signal(signal.SIGHUP)
        wait_for(lambda: serial() != old, "the new one is served")
        held.sendall(b"NOOP\r\n")
        assert held.recv(100).startswith(b"250 ")


def problem(daemon, text):
    daemon.configure(text)
    daemon.own()
    done = subprocess.run([SMTPD, "-n", "-f", daemon.dir / "smtpd.conf"],
                          env=daemon.env, capture_output=True, text=True,
                          check=False, timeout=PATIENCE, **daemon.as_user())
    assert done.returncode == 1
    return done.stderr


def test_bad_certificates_and_keys_are_named(smtpd, authority):
    folder = smtpd.dir / "tls"
    good = conf(smtpd, "smtps")
    assert "none of them" in problem(smtpd, conf(smtpd, "smtps ciphers X"))
    assert "tlsv1.2" in problem(
        smtpd, conf(smtpd, 'smtps protocols "tlsv1.0"'))
    (folder / "mx.example.org.key").chmod(0o644)
    said = problem(smtpd, good)
    assert "mx.example.org.key" in said and "chmod 600" in said
    (folder / "mx.example.org.key").chmod(0o600)
    shutil.copy(folder / "two.example.org.key", folder / "mx.example.org.key")
    assert "not the key of" in problem(smtpd, good)
    (folder / "mx.example.org.key").write_text("rubbish")
    assert "mx.example.org.key" in problem(smtpd, good)
    (folder / "mx.example.org.crt").write_text("rubbish")
    assert "mx.example.org.crt" in problem(smtpd, good)
    (folder / "mx.example.org.crt").unlink()
    assert "mx.example.org.crt" in problem(smtpd, good)


def test_smtps_behind_a_proxy(smtpd, authority):
    """The header and the handshake in one segment."""
    smtpd.start(conf(smtpd, "smtps proxy-v2"))
    with socket.create_connection(("127.0.0.1", smtpd.port)) as sock:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = authority.trust().wrap_bio(
            incoming, outgoing, server_hostname="mx.example.org")
        head = b"PROXY TCP4 192.0.2.7 127.0.0.1 4321 25\r\n"
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                sock.sendall(head + outgoing.read())
                head = b""
                incoming.write(sock.recv(65536))
        sock.sendall(outgoing.read())
        wait_for(lambda: "address=192.0.2.7" in smtpd.log_text(),
                 "its source")


def test_keys_stay_in_one_process(smtps):
    """The private key is in no process but keys, and not in the parent."""
    key = (smtps.dir / "tls/mx.example.org.key").read_text()
    secret = "".join(key.split("\n")[1:-2])[40:80].encode()
    with handshake(smtps, smtps.ca.trust()):
        for pid in [smtps.process.pid, *smtps.children()]:
            assert secret not in memory_of(pid), pid


def memory_of(pid):
    """The writable memory of a process, as far as it has any."""
    found = []
    try:
        maps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            for m in re.finditer(r"^(\w+)-(\w+) rw(.*)\n((?:[A-Z].*\n)*)",
                                 maps, re.M):
                start, end = int(m[1], 16), int(m[2], 16)
                sizes = re.findall(r"^(?:Rss|Swap): +(\d+)", m[4], re.M)
                if "[v" in m[3] or not any(map(int, sizes)):
                    continue
                if end - start > 1 << 30:  # a sanitizer's own
                    continue
                mem.seek(start)
                try:
                    found.append(mem.read(end - start))
                except OSError:
                    continue
    except PermissionError:
        pytest.skip("another process's memory can't be read here")
    return b"".join(found)


def test_keys_dying_ends_smtpd_in_order(smtps):
    [keys] = smtps.children("keys")
    os.kill(keys, signal.SIGKILL)
    assert smtps.process.wait(PATIENCE) == 1
    smtps.process = None
    smtps.log.close()


def test_handshakes_that_never_end_block_nobody(smtps):
    """CVE-2013-2125: a client that stalls in the handshake."""
    stalled = [smtps.raw() for _ in range(50)]
    for sock in stalled:
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
    with handshake(smtps, smtps.ca.trust()):
        pass
    for sock in stalled:
        sock.close()
