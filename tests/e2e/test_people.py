"""Two people of different roles: the first administrator invites, the other joins and sees what their role may."""

import pytest
from playwright.sync_api import expect

from tests.e2e.checks import assert_accessible, overflow
from tests.e2e.conftest import running_studio

pytestmark = pytest.mark.e2e

PASSWORD = "four quiet geese walk"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A studio where people sign in; nothing runs on it."""
    with running_studio(tmp_path_factory.mktemp("team") / "data", {"FLUXTUNE_ACCOUNTS__REQUIRED": "true"}) as server:
        yield server


def shared_dataset(owner) -> str:
    """Make a dataset that all may look at, and return its address."""
    sample = owner.request.get("/api/samples").json()[0]["name"]
    made = owner.request.post("/api/datasets", data={"name": "Geese", "sample": sample})
    assert made.ok, made.text()
    address = f"/datasets/{made.json()['id']}"
    shared = owner.request.put(f"/api/sharing/dataset/{made.json()['id']}", data={"everyone": "see", "people": {}})
    assert shared.ok, shared.text()
    return address


def sees_and_changes_nothing(viewer, dataset: str) -> None:
    """What a role does not include is not there, or says what it takes; what is there can be looked at."""
    viewer.goto(dataset)
    expect(viewer.get_by_role("note")).to_contain_text("It takes the role of a creator; yours is viewer")
    expect(viewer.get_by_role("heading", name="Geese")).to_be_visible()
    expect(viewer.get_by_role("textbox", name="Caption of image 1", exact=True)).not_to_be_editable()
    viewer.get_by_text("About", exact=True).click()
    expect(viewer.get_by_role("textbox", name="Trigger word")).to_be_disabled()
    # What the captions say, and what was done to them, can be read by all.
    viewer.get_by_role("toolbar", name="Captions").get_by_role("button", name="More").click()
    expect(viewer.get_by_role("menuitem", name="Find and replace")).to_have_count(0)
    viewer.get_by_role("menuitem", name="History").click()
    viewer.get_by_role("dialog", name="History of the captions").get_by_role("button", name="Close").click()
    for name in ("Train on this", "Add images", "Write captions", "Remove image 1"):
        expect(viewer.get_by_role("button", name=name)).to_have_count(0)
    assert_accessible(viewer)
    viewer.get_by_role("button", name="Open image 1", exact=True).click()
    viewer.get_by_role("dialog").get_by_role("button", name="Close").click()
    viewer.goto("/datasets")
    expect(viewer.get_by_role("link", name="Geese")).to_be_visible()
    expect(viewer.get_by_role("button", name="New dataset")).to_have_count(0)
    for page, role in (("/finetunes/new", "a trainer"), ("/create", "a creator"), ("/system/settings", "an admin")):
        viewer.goto(page)
        expect(viewer.get_by_text(f"It takes the role of {role}")).to_be_visible()
    viewer.goto("/system/access")


def test_an_administrator_and_somebody_they_invite(new_page, server, watch):
    watch.allowed.append("403 (Forbidden)")  # who is not signed in is told so
    ada = new_page()
    ada.goto(server.link())
    ada.get_by_role("textbox", name="Your name").fill("Ada")
    ada.get_by_role("textbox", name="E-mail address").fill("ada@x.test")
    ada.get_by_role("textbox", name="Password").fill(PASSWORD)
    assert_accessible(ada)
    ada.get_by_role("button", name="Make the administrator").click()
    expect(ada.get_by_role("button", name="Account of Ada")).to_be_visible()

    ada.goto("/system/people")
    ada.get_by_role("textbox", name="Name", exact=True).fill("Ben")
    ada.get_by_role("textbox", name="E-mail address").fill("ben@x.test")
    ada.get_by_role("combobox", name="Role", exact=True).select_option("viewer")
    ada.get_by_role("button", name="Make an invitation").click()
    link = ada.locator("code", has_text="/invitation#").inner_text()
    expect(ada.get_by_role("listitem", name="Ben")).to_contain_text("Invited")
    assert_accessible(ada)

    ben = new_page(viewport={"width": 390, "height": 844})
    ben.goto(link)
    expect(ben.get_by_role("heading", name="Welcome, Ben")).to_be_visible()
    ben.get_by_role("textbox", name="Password").fill(PASSWORD)
    assert_accessible(ben)
    ben.get_by_role("button", name="Join").click()
    expect(ben.get_by_role("button", name="Account of Ben")).to_be_visible()
    assert "#" not in ben.url
    # A viewer has no Create, and of Admin only what is their own.
    expect(ben.get_by_role("navigation", name="Places").get_by_role("link", name="Create")).to_have_count(0)
    ben.goto("/system/access")
    expect(ben.get_by_role("listitem", name="This browser")).to_be_visible()
    assert ben.get_by_role("combobox", name="Admin page").locator("option").all_inner_texts() == [
        "Overview",
        "Access",
        "API reference",
    ]
    assert_accessible(ben)
    assert not overflow(ben)

    sees_and_changes_nothing(ben, shared_dataset(ada))

    # Out, and in again by the password.
    ben.get_by_role("listitem", name="This browser").get_by_role("button", name="Sign out").click()
    ben.get_by_role("textbox", name="E-mail address").fill("ben@x.test")
    ben.get_by_role("textbox", name="Password").fill("something else")
    ben.get_by_role("button", name="Sign in").click()
    expect(ben.get_by_role("alert")).to_contain_text("do not fit")
    ben.get_by_role("textbox", name="Password").fill(PASSWORD)
    ben.get_by_role("button", name="Sign in").click()
    expect(ben.get_by_role("button", name="Account of Ben")).to_be_visible()

    # Disabled by the administrator: out.
    ada.reload()
    ada.get_by_role("button", name="More about Ben").click()
    with ada.expect_response(lambda answer: "/api/people/" in answer.url):
        ada.get_by_role("menuitem", name="Disable").click()
    expect(ada.get_by_role("listitem", name="Ben")).to_contain_text("Disabled")
    ben.reload()
    expect(ben.get_by_role("heading", name="Sign in")).to_be_visible()
