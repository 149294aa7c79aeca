"""A server that speaks BFL's API and makes no images: every task gives the same one, after a constant time.

`python -m benchmarks.hosted_server SECONDS` prints its address and serves until it is ended.
"""

import asyncio
import io
import socket
import sys
import time
from contextlib import suppress

import uvicorn
from PIL import Image, ImageFilter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY = "a-key-of-the-benchmark"
ACTIVE_TASKS = 24
SIDE = 1024


def make_image() -> bytes:
    """Return a JPEG with the size in pixels and bytes of one that BFL sends (1024 × 1024, about 200 KB)."""
    noise = Image.effect_noise((SIDE, SIDE), 90).filter(ImageFilter.GaussianBlur(2.5))
    buffer = io.BytesIO()
    Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180))).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


class Server:
    """Tasks by their start, and when the first was asked for and the last image was fetched."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.image = make_image()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.started: list[float] = []
        self.first = self.last = 0.0
        self.refused = self.most_active = self.fetched = 0

    async def submit(self, request: Request) -> Response:
        """Take a task unless the account has too many."""
        at = time.monotonic()
        await request.json()
        active = sum(1 for start in self.started if at - start < self.seconds)
        if active >= ACTIVE_TASKS:
            self.refused += 1
            return JSONResponse({"detail": "Too many active tasks"}, 429)
        self.first = self.first or at
        self.started.append(at)
        self.most_active = max(self.most_active, active + 1)
        number = len(self.started) - 1
        url = f"{str(request.base_url).rstrip('/')}/v1/get_result?id={number}"
        return JSONResponse({"id": str(number), "polling_url": url, "cost": 1.4, "input_mp": 0.0, "output_mp": 1.0})

    async def look(self, request: Request) -> Response:
        """Say whether a task's time is over."""
        number = int(request.query_params["id"])
        if time.monotonic() - self.started[number] < self.seconds:
            return JSONResponse({"id": str(number), "status": "Pending", "result": None})
        sample = f"{str(request.base_url).rstrip('/')}/delivery/{number}.jpeg"
        return JSONResponse({"id": str(number), "status": "Ready", "result": {"sample": sample, "seed": 1}})

    async def deliver(self, request: Request) -> Response:
        """Give the image out."""
        self.last = time.monotonic()
        self.fetched += 1
        return Response(self.image, media_type="image/jpeg")

    async def figures(self, request: Request) -> Response:
        """Return what happened since the last time, and forget it."""
        found = {
            "tasks": len(self.started), "fetched": self.fetched, "refused": self.refused,
            "most_active": self.most_active, "wall_s": self.last - self.first,
        }  # fmt: skip
        self.reset()
        return JSONResponse(found)


async def serve(seconds: float) -> None:
    """Serve on a free port of this computer."""
    server = Server(seconds)
    app = Starlette(
        routes=[
            Route("/v1/get_result", server.look),
            Route("/v1/{path:path}", server.submit, methods=["POST"]),
            Route("/delivery/{name}", server.deliver),
            Route("/figures", server.figures),
        ]
    )
    # Named as TCP, so that asyncio sends without delay, as servers do.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off")).serve(sockets=[listener])


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(float(sys.argv[1])))
