"""Typed Python client of the studio's own API: everything the browser UI can do, for scripts and the command line.

from fluxtune.client import connect

with connect() as studio:
    dataset = studio.create_dataset(name="My mug", mode="product")
    studio.upload_images(dataset.id, ["photos/"])
    finetune = studio.start_finetune(dataset_id=dataset.id, base="pocket")
    for event in studio.follow(finetune.job_id):
        print(event.type, event.data)
"""

from fluxtune.client.client import Client
from fluxtune.client.errors import ApiProblem, NotAStudio, StudioLost, StudioNotRunning
from fluxtune.client.running import StudioAddress, connect, find_studio

__all__ = [
    "ApiProblem",
    "Client",
    "NotAStudio",
    "StudioAddress",
    "StudioLost",
    "StudioNotRunning",
    "connect",
    "find_studio",
]
