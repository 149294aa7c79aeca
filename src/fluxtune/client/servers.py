"""Other servers: add, list, test, remove, and what one can draw with there."""

from urllib.parse import quote

from fluxtune.client.http import Connection
from fluxtune.models.schemas import Model
from fluxtune.servers.schemas import Server


class ServerCalls(Connection):
    """The part of a studio's client that deals with other servers."""

    def servers(self) -> list[Server]:
        """List servers as they were when they were asked last."""
        return self.fetch(list[Server], "GET", "/api/servers")

    def add_server(self, name: str, url: str, token: str) -> Server:
        """Try a server and store it, its token encrypted."""
        return self.fetch(Server, "POST", "/api/servers", json={"name": name, "url": url, "token": token})

    def test_server(self, server: str) -> Server:
        """Ask a server anew what it is and has."""
        return self.fetch(Server, "POST", f"/api/servers/{quote(server, safe='')}/test")

    def remove_server(self, server: str) -> None:
        """Forget a server and its token."""
        self.send("DELETE", f"/api/servers/{quote(server, safe='')}")

    def server_models(self) -> list[Model]:
        """List what one can draw with at servers."""
        return self.fetch(list[Model], "GET", "/api/servers/models")
