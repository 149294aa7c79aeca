"""`fluxtune admin flags` and `fluxtune admin audit`: what is decided holds at once, and stands in the log."""


def test_a_feature_is_switched_and_noted(studio, fluxtune, tmp_path):
    changed = fluxtune("admin", "flags", "set", "batch-generation", "off", "--until", "2099-01-01")
    assert changed.code == 0
    assert "off until 2099-01-01" in changed.out
    assert "off until" in fluxtune("admin", "flags", "list").out
    refused = fluxtune("generate", "a cat", "--count", "2", "--out", str(tmp_path))
    assert refused.code != 0
    assert "switched off" in refused.err
    some = fluxtune("admin", "flags", "set", "batch-generation", "some", "--role", "trainer", "--json").json
    assert (some["state"], some["roles"], some["is_on"]) == ("some", ["trainer"], False)
    assert fluxtune("admin", "flags", "reset", "batch-generation", "--json").json["is_on"]
    assert fluxtune("admin", "flags", "set", "nonsense", "off").code != 0

    listed = fluxtune("admin", "audit", "list", "--query", "batch-generation", "--json").json
    assert [each["action"] for each in listed] == ["flag.reset", "flag.changed", "flag.changed"]
    found = fluxtune("admin", "audit", "verify", "--json").json
    assert found["is_whole"]
    assert fluxtune("admin", "audit", "verify", "--head", found["head"]).code == 0
    assert fluxtune("admin", "audit", "verify", "--head", "0" * 64).code != 0
    target = tmp_path / "log.csv"
    assert fluxtune("admin", "audit", "export", str(target), "--format", "csv").code == 0
    assert "flag.reset" in target.read_text(encoding="utf-8")
