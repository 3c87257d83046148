"""SNS's certificates, over real HTTP: each asked for once, from where SNS is, and not as often as a stranger likes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.aws import NoWayIn
from bot.store.jobs import Job
from bot.topics import MOST_ASKED, MOST_BYTES, CannotConfirm, Certificates, CertificateUnavailable, Subscriptions
from tests.serving import serving

TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"


class Place:
    """Where SNS is, as far as its certificates go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        self.now = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)

    async def answer(self, request: Request) -> Response:
        name = request.path_params["name"]
        self.asked.append(name)
        if name.endswith("aaaaaaaa.pem"):
            return Response(b"certificate " + name.encode())
        if name.endswith("bbbbbbbb.pem"):
            return Response(b"x" * (MOST_BYTES + 1))
        if name.endswith("cccccccc.pem"):
            return RedirectResponse("http://evil.example/x.pem")
        return Response(status_code=403)

    def certificates(self) -> Certificates:
        return Certificates(lambda region: f"{self.url}/{region}/", ["eu-west-1"], lambda: self.now)


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    with serving(Starlette(routes=[Route("/eu-west-1/{name}", made.answer)])) as url:
        made.url = url
        yield made


def test_a_certificate_is_asked_for_once(place: Place) -> None:
    known = place.certificates()
    for _ in range(3):
        assert known.certificate("eu-west-1", "aaaaaaaa").startswith(b"certificate ")
    assert place.asked == ["SimpleNotificationService-aaaaaaaa.pem"]
    known.close()


@pytest.mark.parametrize(
    ("name", "why"),
    [("dddddddd", "answered 403"), ("bbbbbbbb", "sent more than"), ("cccccccc", "is not a host this bot asks")],
)
def test_what_is_no_certificate_is_not_kept(place: Place, name: str, why: str) -> None:
    known = place.certificates()
    for _ in range(2):
        with pytest.raises(CertificateUnavailable, match=why):
            known.certificate("eu-west-1", name)
    assert len(place.asked) == 2


def test_names_that_somebody_makes_up_are_asked_for_so_often_and_no_more(place: Place) -> None:
    known = place.certificates()
    known.certificate("eu-west-1", "aaaaaaaa")
    for number in range(MOST_ASKED + 10):
        with pytest.raises(CertificateUnavailable):
            known.certificate("eu-west-1", f"{number:08x}")
    assert len(place.asked) == MOST_ASKED
    assert known.certificate("eu-west-1", "aaaaaaaa")
    place.now += timedelta(minutes=1)
    with pytest.raises(CertificateUnavailable, match="answered 403"):
        known.certificate("eu-west-1", "ffffffff")


def test_a_subscription_that_cannot_be_confirmed_says_what_to_do() -> None:
    def nowhere(account: str, region: str) -> object:
        raise NoWayIn(f"There is no role in {account}.")

    asked = Job(1, "confirm_subscription", {"topic": TOPIC, "token": "t"}, 1, "lease")
    with pytest.raises(CannotConfirm, match=f"to {TOPIC} is not confirmed: There is no role in 111122223333"):
        Subscriptions(nowhere).confirm(asked)
