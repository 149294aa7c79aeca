"""`fluxtune token`: the last line is the token, and nothing ever shows it again."""


def test_the_whole_life(studio, fluxtune):
    made = fluxtune("token", "create", "my script")
    assert made.code == 0
    token = made.out.splitlines()[-1]
    assert token.startswith("fluxtune-")
    assert len(token) > 40
    other = fluxtune("token", "create", "my script", "--json").json
    assert other["token"] != token
    listed = fluxtune("token", "list")
    assert token not in listed.out
    assert listed.out.count("valid") == 2
    assert fluxtune("token", "revoke", "my script").code != 0  # two are called so
    assert fluxtune("token", "revoke", other["id"]).code == 0
    assert fluxtune("token", "revoke", "my script", "--json").json["revoked_at"]
    assert "valid" not in fluxtune("token", "list").out


def test_a_name_without_words(studio, fluxtune):
    assert fluxtune("token", "create", " ").code != 0


def test_what_it_may_and_for_how_long(studio, fluxtune):
    made = fluxtune("token", "create", "script", "--scope", "read", "--scope", "create", "--days", "30", "--json").json
    assert made["scopes"] == ["create", "read"]
    assert made["expires_at"]
    assert "valid until" in fluxtune("token", "list").out
    assert fluxtune("token", "create", "script", "--scope", "all").code != 0
