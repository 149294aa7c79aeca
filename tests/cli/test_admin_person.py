"""`fluxtune admin person`: the first administrator without a browser, then everybody else."""

import re

import httpx2

PASSWORD = "four quiet geese walk"


def test_people_come_and_go(studio, fluxtune):
    made = fluxtune(
        "admin", "person", "invite", "Ada@x.test", "Ada", "--role", "administrator", "--url", "https://s.test"
    )
    assert made.code == 0, made.out
    link = made.out.splitlines()[-1]
    found = re.fullmatch(r"https://s\.test/invitation#([\w-]{40,})", link)
    assert found
    token = found[1]
    body = {"token": token, "password": PASSWORD}
    assert httpx2.post(f"{studio.url}/api/invitations/acceptance", json=body, trust_env=False).status_code == 200

    ben = fluxtune("admin", "person", "invite", "ben@x.test", "Ben", "--json").json
    assert ben["person"]["role"] == "creator"
    assert ben["url"].endswith(f"/invitation#{ben['token']}")
    assert fluxtune("admin", "person", "role", "BEN@x.test", "trainer", "--json").json["role"] == "trainer"
    assert fluxtune("admin", "person", "disable", "ben@x.test", "--json").json["state"] == "disabled"
    assert fluxtune("admin", "person", "link", "ben@x.test").code != 0
    assert fluxtune("admin", "person", "enable", "ben@x.test", "--json").json["state"] == "invited"
    assert fluxtune("admin", "person", "link", "ben@x.test", "--json").json["token"] != ben["token"]
    listed = fluxtune("admin", "person", "list")
    assert "ada@x.test" in listed.out
    assert "trainer" in listed.out
    assert fluxtune("admin", "person", "withdraw", "ben@x.test").code == 0
    assert fluxtune("admin", "person", "sign-out", "ada@x.test", "--json").json == {"count": 1}
    assert [each["email"] for each in fluxtune("admin", "person", "list", "--json").json] == ["ada@x.test"]


def test_somebody_nobody_knows(studio, fluxtune):
    assert fluxtune("admin", "person", "disable", "nobody@x.test").code != 0
