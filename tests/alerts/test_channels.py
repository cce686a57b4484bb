"""A webhook and mail take alerts; what they do not take is an error without secrets."""

import socket
import time

import pytest

from book_forecast.alerts.channels import SMTP, WEBHOOK, ChannelError, Webhook, channels_of
from book_forecast.alerts.events import LONGEST, Alert
from book_forecast.storage.errors import UserError
from tests.alerts.servers import BareMailServer, mail_server, raw_server, webhook

ALERT = Alert(kind="run_failed", subject="weekly", text="weekly: <!channel> & 1 > 0")
SENDER = "book_forecast, production"


def test_a_webhook_gets_slacks_message_without_mark_up_of_its_own():
    with webhook() as server:
        (channel,) = channels_of({WEBHOOK: server.url}, None, ())
        channel.send([ALERT, ALERT], SENDER)
    line = "*Run failed*: weekly: &lt;!channel&gt; &amp; 1 &gt; 0"
    assert server.texts == [f"*{SENDER}*\n{line}\n{line}"]


def test_a_webhook_that_is_busy_is_asked_again():
    with webhook() as server:
        server.answers = [503, 429]
        channels_of({WEBHOOK: server.url}, None, ())[0].send([ALERT], SENDER)
    assert server.requests == 3
    assert len(server.texts) == 1


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (500, 3), (302, 1)])
def test_a_webhook_that_refuses_is_an_error_without_its_address(status, requests):
    with webhook() as server:
        server.answers = [status] * 9
        channel = channels_of({WEBHOOK: server.url}, None, ())[0]
        with pytest.raises(ChannelError, match=str(status)) as caught:
            channel.send([ALERT], SENDER)
    assert server.requests == requests
    assert "secretpath" not in f"{caught.value}{channel!r}"


def test_a_webhook_that_is_gone_is_an_error_without_its_address(caplog):
    with webhook() as server:
        url = server.url
    with pytest.raises(ChannelError, match="does not answer") as caught:
        channels_of({WEBHOOK: url}, None, ())[0].send([ALERT], SENDER)
    assert "secretpath" not in f"{caught.value}{caplog.text}"


def test_a_text_mentions_nobody_and_is_no_second_alert():
    text = 'weekly: "a\n*New champion*: b" @channel @Here, me@example.org https://e.example/x'
    with webhook() as server:
        (channel,) = channels_of({WEBHOOK: server.url}, None, ())
        channel.send([Alert(kind="run_failed", text=text)], SENDER)
    (_, line) = server.texts[0].split("\n")
    assert "@channel" not in line
    assert "@Here" not in line
    assert "me@example.org https://e.example/x" in line


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_webhook_that_never_ends_its_answer_costs_a_moment_and_is_not_asked_again(
    monkeypatch, begin
):
    monkeypatch.setattr("book_forecast.alerts.channels._LONGEST", 0.5)
    asked = []

    def answer(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(begin)
        for _ in range(200):
            connection.sendall(b"x" if begin else b"")
            time.sleep(0.05)

    with raw_server(answer) as port:
        begun = time.monotonic()
        with pytest.raises(ChannelError, match="does not answer in time"):
            Webhook(f"http://127.0.0.1:{port}/").send([ALERT], SENDER)
    assert time.monotonic() - begun < 5.0
    assert len(asked) == 1


def test_a_webhook_whose_answer_has_no_end_has_taken_the_message():
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        time.sleep(10)

    with raw_server(answer) as port:
        begun = time.monotonic()
        Webhook(f"http://127.0.0.1:{port}/").send([ALERT], SENDER)
    assert time.monotonic() - begun < 5.0


def test_mail_has_a_subject_and_a_text():
    with mail_server() as (mailbox, url):
        (channel,) = channels_of({SMTP: url}, "us@example.org", ["a@example.org", "b@example.org"])
        channel.send([ALERT, ALERT], SENDER)
    (letter,) = mailbox.letters
    assert letter.rcpt_tos == ["a@example.org", "b@example.org"]
    assert b"Subject: book_forecast, production: Run failed and 1 more" in letter.content
    assert b"weekly: <!channel> & 1 > 0" in letter.content


def test_a_mail_server_that_is_busy_is_asked_again_and_one_that_refuses_is_an_error():
    with mail_server() as (mailbox, url):
        (channel,) = channels_of({SMTP: url}, "us@example.org", ["a@example.org"])
        mailbox.answers = ["451 later"]
        channel.send([ALERT], SENDER)
        assert len(mailbox.letters) == 1
        mailbox.answers = ["554 no"] * 9
        with pytest.raises(ChannelError, match="does not take"):
            channel.send([ALERT], SENDER)


def mail(server: BareMailServer, *recipients: str, user: str = "") -> None:
    with raw_server(server.answer) as port:
        (channel,) = channels_of(
            {SMTP: f"smtp://{user}127.0.0.1:{port}"},
            "us@example.org",
            recipients or ["a@example.org"],
        )
        channel.send([ALERT], SENDER)


def test_a_mail_server_that_refuses_the_login_is_asked_once():
    server = BareMailServer(auth=b"535 no")
    with pytest.raises(ChannelError, match="SMTPAuthenticationError"):
        mail(server, user="us:secret@")
    assert (server.logins, server.letters) == (1, 0)


def test_a_letter_that_was_taken_is_not_sent_again_whatever_follows():
    server = BareMailServer(quit=b"421 busy")
    mail(server)
    assert server.letters == 1


def test_a_password_that_cannot_be_sent_is_an_error_of_the_channel():
    with pytest.raises(ChannelError, match="UnicodeEncodeError"):
        mail(BareMailServer(), user="us:p%C3%BC@")


def test_a_recipient_that_is_refused_beside_others_is_told(caplog):
    server = BareMailServer(unknown="gone@example.org")
    mail(server, "a@example.org", "gone@example.org")
    assert server.letters == 1
    assert "refuses 1 of 2 recipients" in caplog.text
    assert "gone@" not in caplog.text


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({WEBHOOK: "http://example.org/secretpath"}, "must begin with https"),
        ({WEBHOOK: "secretpath"}, "is no address"),
        ({WEBHOOK: "https://example.org:secretpath/"}, "is no address"),
        ({SMTP: "https://secretpath.example.org"}, "must begin with smtps"),
        ({SMTP: "smtps://u:secretpath@example.org"}, "set alerts.mail_from"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_by_the_name_of_its_variable(environ, message):
    with pytest.raises(UserError, match=message) as caught:
        channels_of(environ, None, ())
    assert next(iter(environ)) in str(caught.value)
    assert "secretpath" not in str(caught.value)


def test_nothing_set_up_is_no_channel():
    assert channels_of({}, None, ()) == []


def test_a_text_is_short_and_without_secrets():
    alert = Alert(kind="run_failed", text="at https://me:pass@host/?token=abc " + "x" * 5000)
    assert "at https://***@host/?token=*** " in alert.text
    assert "pass" not in alert.text
    assert "abc" not in alert.text
    assert len(alert.text) <= LONGEST


@pytest.mark.parametrize("password", ["plain", "p@ss", "pa/ss", "p:a/s@s"])
def test_no_part_of_a_password_is_left(password):
    text = f"postgresql://books:{password}@db.example.org/x is away; see https://h.example.org:80/y"
    shown = Alert(kind="run_failed", text=text).text
    assert shown == "postgresql://***@db.example.org/x is away; see https://h.example.org:80/y"


def test_a_name_of_a_file_that_is_no_text_can_be_sent():
    alert = Alert(kind="run_failed", subject="caf\udce9.xlsx", text="caf\udce9.xlsx")
    assert alert.text == "caf?.xlsx"
    assert Alert.model_validate_json(alert.model_dump_json()).key == alert.key
