"""kill -9 of the worker in the middle of a generation: every image is made, and none twice."""

from tests.kill.studio import END_S, RealStudio, wait_for

COUNT = 3


def test_a_generation_survives_its_worker(studio: RealStudio) -> None:
    body = {"model_id": "pocket", "prompt": "a cat", "count": COUNT, "seed": 5, "steps": 10, "width": 64, "height": 64}
    generation = studio.post("/api/generations", body)
    path = f"/api/generations/{generation['id']}"

    def finished() -> int:
        return sum(slot["result"] is not None for slot in studio.get(path)["slots"])

    wait_for("the first image", lambda: finished() >= 1, END_S)
    generator = studio.generator()
    studio.kill(studio.worker())
    assert generator is not None
    wait_for("the end of the generator", lambda: not generator.is_running())

    wait_for("the end", lambda: studio.get(path)["state"] not in ("queued", "running"), END_S)
    ended = studio.get(path)
    assert ended["state"] == "succeeded", ended
    images = [slot["result"] for slot in ended["slots"]]
    assert [image["facts"]["seed"] for image in images] == [5, 6, 7]
    # None is left over from the attempt that was killed.
    assert sorted(studio.get("/api/gallery/ids")) == sorted(image["image"]["id"] for image in images)
    types = [event["type"] for event in studio.events(generation["job_id"])]
    assert types.count("job.image_finished") == COUNT
    assert types.count("job.succeeded") == 1
