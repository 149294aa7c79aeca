"""What can stand in the way of using another server."""

from fluxtune.core.errors import Conflict, InvalidInput, NotFound, NotReady


class ServerMissing(NotFound):
    """No server has this id or name."""

    title = "No such server"
    action = "`fluxtune server list` and Admin → Servers show those that were added."


class ServerNameTaken(Conflict):
    """Another server has this name."""

    title = "There is a server of this name already"
    action = "Choose another name, or remove the old server first."


class AddressRefused(InvalidInput):
    """The address is none a server can have."""

    title = "This is no address of a server"
    action = "Give http:// or https://, a host and perhaps a port, as http://gpu.local:7860."


class TokenUnreadable(NotReady):
    """A stored token can't be decrypted."""

    title = "The stored token can't be read"
    action = "Remove the server and add it anew."


class NotThere(NotFound):
    """The server has no such base or finetune."""

    title = "The server does not have this"
    action = "Test the server again: Admin → Servers, or `fluxtune server test`."
