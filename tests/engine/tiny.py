"""Tiny random bases of the true classes, in folders, and run folders to train on them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from PIL import Image, ImageDraw

from fluxtune.engine.config import Recipe, RunConfig, Snapshot, SnapshotImage

D: Any = diffusers  # their constructors have no types
T: Any = transformers

CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}{% if add_generation_prompt %}>{% endif %}"
CHAT_OF_PARTS = "{% for message in messages %}{{ message['content'][0]['text'] }}>{% endfor %}"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789>,.[]"
FLUXTUNE = {
    "licence": "CC0-1.0",
    "default_steps": 2,
    "default_guidance": 2.0,
    "default_width": 64,
    "default_height": 64,
    "max_sequence_length": 16,
    "train_timestep_sampling": {"kind": "logit_normal", "shift": 1.5},
}


def make_flux2(folder: Path) -> Path:
    """A FLUX.2 klein base of a few thousand weights."""
    torch.manual_seed(0)
    encoder = T.Qwen3ForCausalLM(
        T.Qwen3Config(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
                    num_key_value_heads=2, head_dim=8, max_position_embeddings=64, tie_word_embeddings=True)
    )  # fmt: skip
    transformer = D.Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False, timestep_guidance_channels=16,
    )  # fmt: skip
    pipe = D.Flux2KleinPipeline(
        scheduler=D.FlowMatchEulerDiscreteScheduler(shift=1.5),
        vae=_flux2_vae(),
        text_encoder=encoder,
        tokenizer=_letters_tokenizer(),
        transformer=transformer,
    )
    _make_alive(transformer)
    pipe.save_pretrained(folder)
    _write_json(folder / "fluxtune.json", FLUXTUNE | {"title": "Tiny FLUX.2", "text_encoder_out_layers": [1, 2]})
    return folder


def make_flux1(folder: Path, is_schnell: bool = False) -> Path:
    """A FLUX.1 base of a few thousand weights: dev with embedded guidance, or schnell without."""
    torch.manual_seed(0)
    clip = T.CLIPTextModel(
        T.CLIPTextConfig(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                         num_attention_heads=2,
                       max_position_embeddings=77, projection_dim=16, eos_token_id=2, pad_token_id=0, bos_token_id=1)
    )  # fmt: skip
    t5 = T.T5EncoderModel(T.T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2))
    transformer = D.FluxTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=16, guidance_embeds=not is_schnell, axes_dims_rope=(4, 6, 6),
    )  # fmt: skip
    vae = D.AutoencoderKL(
        block_out_channels=(4, 4, 8, 8), layers_per_block=1, latent_channels=4, norm_num_groups=2, sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        scaling_factor=0.36, shift_factor=0.12, use_quant_conv=False, use_post_quant_conv=False, 
        mid_block_add_attention=False,
    )  # fmt: skip
    _make_alive(transformer)
    pipe = D.FluxPipeline(
        scheduler=D.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=not is_schnell),
        vae=vae,
        text_encoder=clip,
        tokenizer=_clip_tokenizer(),
        text_encoder_2=t5,
        tokenizer_2=_letters_tokenizer(),
        transformer=transformer,
    )
    pipe.save_pretrained(folder)
    sampling = {"train_timestep_sampling": "flux_shift"}
    _write_json(folder / "fluxtune.json", FLUXTUNE | {"title": "Tiny FLUX.1"} | sampling)
    return folder


def make_flux2_dev(folder: Path) -> Path:
    """A FLUX.2 dev base of a few thousand weights: Mistral's text encoder, embedded guidance."""
    torch.manual_seed(0)
    text = {"model_type": "mistral", "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "head_dim": 8,
            "num_hidden_layers": 3, "num_attention_heads": 2, "num_key_value_heads": 2,
            "max_position_embeddings": 512}  # fmt: skip
    vision = {"model_type": "pixtral", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 32, "patch_size": 16}  # fmt: skip
    encoder = T.Mistral3ForConditionalGeneration(T.Mistral3Config(text_config=text, vision_config=vision))
    transformer = D.Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=True, timestep_guidance_channels=16,
    )  # fmt: skip
    tokenizer = _letters_tokenizer()
    tokenizer.chat_template = CHAT_OF_PARTS
    _make_alive(transformer)
    pipe = D.Flux2Pipeline(
        scheduler=D.FlowMatchEulerDiscreteScheduler(shift=1.5),
        vae=_flux2_vae(),
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )
    pipe.save_pretrained(folder)
    # the published one has a processor there, which would need more libraries to be made
    index = json.loads((folder / "model_index.json").read_text())
    _write_json(folder / "model_index.json", index | {"tokenizer": ["transformers", "PixtralProcessor"]})
    own = {"title": "Tiny FLUX.2 dev", "text_encoder_out_layers": [1, 2], "max_sequence_length": 400}
    _write_json(folder / "fluxtune.json", FLUXTUNE | own)
    return folder


def make_flux3(folder: Path, is_distilled: bool = False) -> Path:
    """A FLUX.3 klein base of a few thousand weights; distilled, it is a flow map."""
    torch.manual_seed(0)
    text = {"vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "head_dim": 8,
            "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 512,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1],
                                "mrope_interleaved": True}}  # fmt: skip
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 16,
              "deepstack_visual_indexes": [0], "num_position_embeddings": 16}  # fmt: skip
    encoder = T.Qwen3VLForConditionalGeneration(T.Qwen3VLConfig(text_config=text, vision_config=vision))
    transformer = D.Flux3Transformer2DModel(
        in_channels=16, cond_in_channels=16, num_layers=1, num_single_layers=2, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, axes_dims_rope=(4, 4, 4, 4), flow_map=is_distilled,
    )  # fmt: skip
    _make_alive(transformer)
    for part, module in {"text_encoder": encoder, "transformer": transformer, "vae": _flux2_vae()}.items():
        module.save_pretrained(folder / part)
    _letters_tokenizer().save_pretrained(folder / "tokenizer")
    D.FlowMatchEulerDiscreteScheduler(shift=6.93).save_pretrained(folder / "scheduler")
    # as `save_pretrained` of the pipeline writes it, which would need image and video processors beside the tokenizer
    place = {"pretrained_model_name_or_path": str(folder), "variant": None, "revision": None}
    classes = {"transformer": ("diffusers", "Flux3Transformer2DModel"), "vae": ("diffusers", "AutoencoderKLFlux2"),
               "text_encoder": ("transformers", "Qwen3VLForConditionalGeneration"),
               "tokenizer": ("transformers", "AutoProcessor")}  # fmt: skip
    name = "Flux3Distilled" if is_distilled else "Flux3"
    index = {"_class_name": f"{name}ModularPipeline", "_blocks_class_name": f"{name}AutoBlocks"}
    parts = {part: [*kind, place | {"subfolder": part, "type_hint": kind}] for part, kind in classes.items()}
    _write_json(folder / "modular_model_index.json", index | parts)
    own = {"title": "Tiny FLUX.3", "text_encoder_out_layers": [1, 2]}
    _write_json(folder / "fluxtune.json", FLUXTUNE | own)
    return folder


def make_run(folder: Path, base: Path, image_count: int = 3, **settings: Any) -> Path:
    """A run folder with little drawings, ready to train."""
    recipe = {
        "steps": 6, "learning_rate": 1e-2, "rank": 4, "resolution": 64, "batch_size": 2, "warmup_steps": 2,
        "sample_every": 3, "sample_prompts": ["[trigger] a"], "checkpoint_every": 2, "seed": 5,
    }  # fmt: skip
    (folder / "snapshot").mkdir(parents=True)
    images = []
    for index in range(image_count):
        name = f"{index}.png"
        draw_image(index).save(folder / "snapshot" / name)
        digest = hashlib.sha256((folder / "snapshot" / name).read_bytes()).hexdigest()
        images.append(SnapshotImage(file=name, caption=f"drawing {index}", sha256=digest))
    snapshot = Snapshot(hash="s" * 64, dataset_name="tiny", images=images)
    (folder / "snapshot" / "snapshot.json").write_text(snapshot.model_dump_json())
    config = RunConfig(
        id="run", name="Tiny", base=base.name, base_path=base, mode="character", trigger_word="zwx",
        recipe=Recipe.model_validate(recipe | settings),
    )  # fmt: skip
    (folder / "run.json").write_text(config.model_dump_json())
    return folder


def draw_image(index: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """A square on a ground, different for each index."""
    image = Image.new("RGB", size, (40 * index % 255, 120, 200))
    ImageDraw.Draw(image).rectangle((10, 10, 30 + 5 * index, 40), fill=(220, 30 * index % 255, 40))
    return image


def events_of(run: Path) -> list[dict[str, Any]]:
    """All events of a run folder."""
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def types_of(run: Path) -> list[str]:
    """The types of a run's events, without the heartbeats."""
    return [event["type"] for event in events_of(run) if event["type"] != "run.heartbeat"]


def _flux2_vae() -> Any:
    """The VAE of FLUX.2 and FLUX.3, with statistics of its own."""
    vae = D.AutoencoderKLFlux2(
        block_out_channels=(4, 4, 8, 8), layers_per_block=1, latent_channels=4, norm_num_groups=2, sample_size=64,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        mid_block_add_attention=False,
    )  # fmt: skip
    vae.bn.running_mean.normal_(0, 0.1)
    vae.bn.running_var.uniform_(0.5, 2.0)
    return vae


def _make_alive(transformer: torch.nn.Module) -> None:
    """Random bases start with outputs near zero, where everything looks the same: make them larger."""
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.mul_(2.0)


def _letters_tokenizer() -> Any:
    vocabulary = {"<|endoftext|>": 0, "Ġ": 1} | {letter: i + 2 for i, letter in enumerate(LETTERS)}
    tokenizer = T.Qwen2TokenizerFast(vocab=vocabulary, merges=[], model_max_length=64)
    tokenizer.chat_template = CHAT
    tokenizer.padding_side = "right"
    return tokenizer


def _clip_tokenizer() -> Any:
    letters = {f"{letter}</w>": i + 3 for i, letter in enumerate(LETTERS[:26])}
    vocabulary = {"!": 0, "<|startoftext|>": 1, "<|endoftext|>": 2} | letters
    vocabulary |= {letter: len(vocabulary) + i for i, letter in enumerate(LETTERS[:26])}
    return T.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
