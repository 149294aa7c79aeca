"""Only public addresses are talked to, whatever name leads to others."""

import pytest

from fluxtune.webhooks.addresses import UrlRefused, check_url, find_target, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:0:0:0:0:0:80ff:fffe",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "ftp://example.com/", "file:///etc/passwd", "http://", "http://:80/", "https://[::1/",
        "http://user:word@example.com/", "http://example.com:99999/", "http://example.com:0/", "gopher://x",
        "http://127.0.0.1:8000/", "http://localhost/x", "http://api.localhost/", "http://[::1]/", "http://10.1.2.3/",
    ],
)  # fmt: skip
def test_refused_at_the_door(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        check_url(url)
    assert caught.value.problem().errors[0].field == "webhook_url"


def test_a_name_and_a_secret_never_stand_in_an_error() -> None:
    with pytest.raises(UrlRefused) as caught:
        check_url("https://user:hunter2@example.com/")
    assert "hunter2" not in str(caught.value.problem())


def test_names_are_looked_up_when_something_is_sent() -> None:
    check_url("https://example.com/hook")
    target = find_target("https://example.com/hook?a=1", allow_private=False, look_up=lambda *_: ["93.184.216.34"])
    assert (target.address, target.port, target.is_https, target.path) == ("93.184.216.34", 443, True, "/hook?a=1")


def test_one_private_address_is_enough_to_refuse() -> None:
    with pytest.raises(UrlRefused, match=r"10\.0\.0\.5"):
        find_target("http://example.com/", allow_private=False, look_up=lambda *_: ["93.184.216.34", "10.0.0.5"])


def test_an_administrator_can_allow_private_ones() -> None:
    check_url("http://127.0.0.1:9/", allow_private=True)
    target = find_target("http://intern/", allow_private=True, look_up=lambda *_: ["10.0.0.5"])
    assert (target.address, target.port) == ("10.0.0.5", 80)


def test_a_name_nobody_knows() -> None:
    with pytest.raises(UrlRefused, match="not known"):
        find_target("http://does-not-exist.invalid/", allow_private=True)
