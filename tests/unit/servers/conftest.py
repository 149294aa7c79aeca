"""Two studios in one process."""

from tests.elsewhere import far, far_app, token, wire
from tests.shared import shared_client, shared_studio, stranger

__all__ = ["far", "far_app", "shared_client", "shared_studio", "stranger", "token", "wire"]
