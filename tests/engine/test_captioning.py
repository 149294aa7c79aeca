"""Captioners of the engine: pocket's own on pictures of the world and others, and two kinds of models."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fluxtune.engine.captioning.messages import CaptionerEvent, CaptionerSetup, CaptionRequest
from fluxtune.engine.captioning.model import CaptionModelMissing, VisionModel
from fluxtune.engine.captioning.pocket import PocketCaptioner, Reading, describe
from fluxtune.engine.captioning.process import run_captioner
from tools.pocket import world
from tools.pocket.captioner import TEST_SEED, cloudy
from tools.pocket.concepts import draw_concept
from tools.pocket.doodles import doodle


@pytest.fixture(scope="module")
def pocket():
    return PocketCaptioner()


def drawn(seed):
    rng = np.random.default_rng(TEST_SEED + seed)
    scene = world.random_scene(rng)
    return scene, Image.fromarray(world.render(scene, rng)[0])


class TestPocket:
    def test_unseen_pictures_of_the_world(self, pocket):
        right = dict.fromkeys(("subject", "colour", "pattern", "place"), 0)
        for seed in range(40):
            scene, image = drawn(seed)
            reading = pocket.read(image)
            for name in right:
                right[name] += getattr(reading, name) == getattr(scene, name)
        assert right["place"] >= 39
        assert min(right.values()) >= 36, right

    @pytest.mark.parametrize("make", [doodle, cloudy])
    def test_anything_else_is_not_invented(self, pocket, make):
        rng = np.random.default_rng(TEST_SEED)
        assert not any(pocket.read(Image.fromarray(make(rng))).is_known for _ in range(20))

    @pytest.mark.parametrize("image", [Image.new("RGB", (128, 128), "white"), Image.new("L", (1, 900), 30)])
    def test_flat_pictures_of_any_shape(self, pocket, image):
        assert describe(pocket.read(image), "general", "") is None

    def test_strangers_in_known_places(self, pocket):
        """The sample concepts were kept from the fitting."""
        for name, kind in (("character", "creature"), ("product", "thing")):
            readings = [pocket.read(Image.fromarray(picture)) for picture, _ in draw_concept(name)]
            told = [text for _, text in draw_concept(name)]
            assert all(world.PLACE_WORDS[r.place][0] in text for r, text in zip(readings, told, strict=True))
            assert sum(r.subject is None for r in readings) >= 7
            assert f"zubo {kind}" in (describe(next(r for r in readings if r.subject is None), name, "zubo") or "")

    def test_another_size_and_format_is_the_same_picture(self, pocket):
        scene, image = drawn(3)
        larger = image.resize((400, 400), Image.Resampling.BICUBIC).convert("RGBA")
        assert pocket.read(larger).subject == pocket.read(image).subject == scene.subject

    def test_words(self):
        reading = Reading("owl", "orange", "striped", "night", "sad", "small", "soft", 0.9)
        assert describe(reading, "general", "") == "a small sad orange striped owl at night, soft shading"
        assert (describe(reading, "general", "zub") or "").startswith("zub, a small sad")
        assert describe(reading, "character", "zub") == "a small zub owl at night"
        assert describe(reading, "style", "inkpop") == "a small sad orange striped owl at night, inkpop style"


class TestProcess:
    def run(self, *lines):
        said: list[str] = []
        code = run_captioner([line if isinstance(line, str) else line.model_dump_json() for line in lines],
                             said.append, lambda: None)  # fmt: skip
        return code, [CaptionerEvent.model_validate_json(line) for line in said]

    def test_one_answer_for_each_image(self, tmp_path):
        drawn(1)[1].save(tmp_path / "a.png")
        Image.new("RGB", (64, 64), "red").save(tmp_path / "b.png")
        code, events = self.run(
            CaptionerSetup(kind="pocket"), CaptionRequest(id="1", file=tmp_path / "a.png"),
            CaptionRequest(id="2", file=tmp_path / "b.png"),
        )  # fmt: skip
        assert code == 0
        assert [event.type for event in events] == ["captioner.ready", "caption.written", "caption.refused"]
        assert "nothing of pocket's world" in events[2].data["reason"]

    def test_what_breaks_is_said(self, tmp_path):
        code, events = self.run(CaptionerSetup(kind="pocket"), CaptionRequest(id="1", file=tmp_path / "none.png"))
        assert code == 1
        assert events[-1].type == "captioner.failed"

    def test_a_model_that_is_not_there(self, tmp_path):
        code, events = self.run(CaptionerSetup(kind="model", model=str(tmp_path)))
        assert code == 1
        assert events[-1].data["error"]["title"] == "The captioning model can't be loaded"
        assert "hf download" in events[-1].data["error"]["action"]


@pytest.fixture(scope="module")
def florence(tmp_path_factory):
    """Florence-2's own classes, tiny, with weights of chance."""
    from tokenizers import pre_tokenizers
    from transformers import BartTokenizer, CLIPImageProcessorPil, Florence2Config, Florence2ForConditionalGeneration
    from transformers.models.florence2.processing_florence2 import Florence2Processor

    names = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "<mask>"]
    tokenizer = BartTokenizer(
        vocab={name: number for number, name in enumerate(names)}, merges=[],
        extra_special_tokens={"image_token": "<image>"},
    )  # fmt: skip
    vision = {
        "depths": (1, 1, 1, 1), "patch_prenorm": (False, True, True, True), "embed_dim": (8, 8, 8, 8),
        "num_heads": (1, 1, 1, 1), "num_groups": (1, 1, 1, 1), "projection_dim": 16,
    }  # fmt: skip
    text = {
        "model_type": "bart", "vocab_size": len(tokenizer), "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
        "max_position_embeddings": 256, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1,
        "decoder_start_token_id": 2,
    }  # fmt: skip
    config = Florence2Config(
        text_config=text, vision_config=vision, image_token_id=tokenizer.convert_tokens_to_ids("<image>")
    )
    images = CLIPImageProcessorPil(
        size={"height": 96, "width": 96}, crop_size={"height": 96, "width": 96}, do_center_crop=False
    )
    images.image_seq_length = 10
    return keep(tmp_path_factory.mktemp("florence"), Florence2ForConditionalGeneration(config),
                Florence2Processor(image_processor=images, tokenizer=tokenizer))  # fmt: skip


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    """Qwen2.5-VL's own classes, tiny, with weights of chance and pocket's tokenizer."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2TokenizerFast
    from transformers import Qwen2VLImageProcessorPil as Images

    special = {"image_token": "<|image_pad|>", "start": "<|vision_start|>", "end": "<|vision_end|>"}
    bases = Path(__file__).parents[2] / "src/fluxtune/engine/bases"
    tokenizer = Qwen2TokenizerFast.from_pretrained(bases / "pocket/tokenizer", extra_special_tokens=special)
    tokenizer.chat_template = (
        "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<|vision_start|><|image_pad|>"
        "<|vision_end|>{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
    )
    number = tokenizer.convert_tokens_to_ids
    end = number("<|endoftext|>")
    config = Qwen2_5_VLConfig(
        text_config={
            "model_type": "qwen2_5_vl_text", "vocab_size": len(tokenizer), "hidden_size": 16, "intermediate_size": 16,
            "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 512,
            "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0},
            "bos_token_id": end, "eos_token_id": end, "pad_token_id": end,
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16,
            "patch_size": 14, "fullatt_block_indexes": [0],
        },
        image_token_id=number("<|image_pad|>"), vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    images = Images(patch_size=14, merge_size=2, temporal_patch_size=2, min_pixels=56 * 56, max_pixels=112 * 112)
    return keep(tmp_path_factory.mktemp("qwen"), Qwen2_5_VLForConditionalGeneration(config), images, tokenizer)


def keep(folder, *parts):
    for part in parts:
        part.save_pretrained(folder)
    return folder


class TestModel:
    def test_florence(self, florence):
        model = VisionModel(CaptionerSetup(kind="model", model=str(florence), prompt="Describe it.", max_tokens=8))
        read = model._reader.read(Image.new("RGB", (300, 200), "red"), "<CAPTION>")
        assert "What does the image describe?" in model._reader.tokenizer.decode(read["input_ids"][0])
        assert isinstance(model.caption(Image.new("RGB", (300, 200), "red")), str)

    def test_qwen_sees_the_image_and_the_prompt(self, qwen):
        setup = CaptionerSetup(kind="model", model=str(qwen), prompt="Describe a cat.", max_tokens=8)
        model = VisionModel(setup)
        read = model._reader.read(Image.new("RGB", (112, 56), "red"), "Describe a cat.")
        assert int(read["mm_token_type_ids"].sum()) == 8  # 112 × 56 in pieces of 28 × 28
        assert "Describe a cat." in model._reader.tokenizer.decode(read["input_ids"][0])
        assert isinstance(model.caption(Image.new("RGB", (1500, 700), "red")), str)

    def test_a_folder_that_is_no_model(self, tmp_path):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
        with pytest.raises(CaptionModelMissing):
            VisionModel(CaptionerSetup(kind="model", model=str(tmp_path)))
