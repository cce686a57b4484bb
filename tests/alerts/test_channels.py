"""A webhook and mail take alerts; what they do not take is an error without secrets."""

import pytest

from book_forecast.alerts.channels import SMTP, WEBHOOK, ChannelError, channels_of
from book_forecast.alerts.events import LONGEST, Alert
from book_forecast.storage.errors import UserError
from tests.alerts.servers import mail_server, webhook

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
    assert "pass" not in alert.text
    assert "abc" not in alert.text
    assert len(alert.text) <= LONGEST
