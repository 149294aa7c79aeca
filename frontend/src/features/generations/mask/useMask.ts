import { useEffect, useState } from "react";

import { call } from "@/api/call";
import { getImage, uploadImage, type Image } from "@/api/generated";

import { asLayer, drawAll, type Deed } from "./strokes";

async function pictureOf(url: string): Promise<HTMLImageElement> {
  const picture = document.createElement("img");
  picture.src = url;
  await picture.decode();
  return picture;
}

function sheet({ width, height }: { width: number; height: number }) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser has no canvas to draw on.");
  return { canvas, pen };
}

/** A stored mask as white on clear; null if it can't be shown or is of another image. */
async function layerOf(maskId: string, size: { width: number; height: number }) {
  const picture = await pictureOf(`/api/images/${maskId}/file`).catch(() => null);
  if (!picture || picture.naturalWidth !== size.width || picture.naturalHeight !== size.height) return null;
  const { canvas, pen } = sheet(size);
  pen.drawImage(picture, 0, 0);
  const data = pen.getImageData(0, 0, size.width, size.height);
  asLayer(data.data);
  pen.putImageData(data, 0, 0);
  return canvas;
}

/** The image a mask is for, and the mask there is already. */
export function useMask(imageId: string, maskId: string) {
  const [image, setImage] = useState<Image | null>(null);
  const [before, setBefore] = useState<CanvasImageSource | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    let isGone = false;
    const load = async () => {
      const found = await call(getImage({ path: { image_id: imageId } }));
      const layer = maskId ? await layerOf(maskId, found) : null;
      if (isGone) return;
      setBefore(layer);
      setImage(found);
    };
    load().catch((reason: unknown) => {
      if (!isGone) setError(reason);
    });
    return () => {
      isGone = true;
    };
    // The mask it began with; the one made meanwhile is what was drawn since.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [imageId]);
  return { image, before, error };
}

/** Keep what was drawn as an image of the studio, as large as the one it is for: white on black. */
export async function keepMask(
  size: { width: number; height: number },
  deeds: Deed[],
  before: CanvasImageSource | null,
): Promise<string> {
  const drawn = sheet(size);
  drawAll(drawn.pen, deeds, 1, before);
  const flat = sheet(size);
  flat.pen.fillStyle = "#000";
  flat.pen.fillRect(0, 0, size.width, size.height);
  flat.pen.drawImage(drawn.canvas, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => flat.canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not make a mask of this size. Use a smaller image.");
  const file = new File([blob], "mask.png", { type: "image/png" });
  return (await call(uploadImage({ body: { file } }))).id;
}
