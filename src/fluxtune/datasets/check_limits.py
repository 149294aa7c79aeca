"""Where the dataset check draws its lines, each to be moved per dataset; sources: docs/guide/datasets.md."""

from pydantic import BaseModel, Field


class CheckLimits(BaseModel):
    """Thresholds of the check; what is not given is the usual value."""

    few_images: int = Field(
        5, ge=0, le=1_000, description="With fewer images, backgrounds are learnt with the subject."
    )
    many_images: int = Field(0, ge=0, le=100_000, description="More are pointed out; 0 means never.")
    small_side: int = Field(128, ge=16, le=4_096, description="Shorter side in pixels below which an image is small.")
    odd_ratio: float = Field(3.0, ge=1.0, le=50.0, description="Longer side over shorter side of an odd shape.")
    sharpness: float = Field(12.0, ge=0.0, le=5_000.0, description="Below, an image counts as blurred; 0: none does.")
    jpeg_quality: int = Field(40, ge=0, le=100, description="JPEGs saved below it count as compressed; 0: none does.")
    alike_bits: int = Field(8, ge=0, le=8, description="Of 256 edge bits, how many may differ between look-alikes.")
    caption_tokens: int = Field(0, ge=0, le=4_096, description="Longest caption; 0 means what the base reads, or 512.")
    background_variety: float = Field(14.0, ge=0.0, le=255.0, description="Typical colour distance of backgrounds.")
    pose_variety: float = Field(0.12, ge=0.0, le=1.0, description="Typical share of edges that differ between images.")


USUAL_TOKENS = 512
"""What the text encoders of all large FLUX models read (T5 of FLUX.1; Qwen3 and Mistral of FLUX.2)."""
