import { ActionIcon, Modal } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { ChevronLeft, ChevronRight, X } from "lucide-react";
import type { ReactNode } from "react";

import type { Image } from "@/api/generated";

import classes from "./Lightbox.module.css";
import { Picture } from "./Picture";

interface LightboxProps {
  image: Image | null;
  alt: string;
  title: string;
  onClose: () => void;
  onPrevious?: () => void;
  onNext?: () => void;
  children?: ReactNode;
}

/** One image as large as sensible, its facts beside it; arrows go on, Escape goes back. */
export function Lightbox({ image, alt, title, onClose, onPrevious, onNext, children }: LightboxProps) {
  useHotkeys([
    ["ArrowLeft", () => image && onPrevious?.()],
    ["ArrowRight", () => image && onNext?.()],
  ]);
  // Small drawings are enlarged, yet not until they dissolve.
  const scale = image ? Math.max(1, Math.min(5, 640 / Math.max(image.width, image.height))) : 1;
  return (
    <Modal.Root opened={image !== null} onClose={onClose} fullScreen padding={0}>
      <Modal.Overlay />
      <Modal.Content aria-label={title} className={classes.content}>
        <Modal.Body className={classes.body}>
          {image && (
            <div className={classes.stage}>
              <div className={classes.view}>
                <div
                  className={classes.picture}
                  style={{ width: image.width * scale, aspectRatio: `${image.width} / ${image.height}` }}
                >
                  <Picture key={image.id} image={image} alt={alt} show={2000} fit="contain" eager />
                </div>
                <ActionIcon
                  className={classes.previous}
                  size={44}
                  aria-label="Previous image"
                  disabled={!onPrevious}
                  onClick={onPrevious}
                >
                  <ChevronLeft />
                </ActionIcon>
                <ActionIcon
                  className={classes.next}
                  size={44}
                  aria-label="Next image"
                  disabled={!onNext}
                  onClick={onNext}
                >
                  <ChevronRight />
                </ActionIcon>
              </div>
              <aside className={classes.aside}>
                <div className={classes.head}>
                  <h2>{title}</h2>
                  <ActionIcon aria-label="Close" onClick={onClose} data-autofocus>
                    <X size={18} />
                  </ActionIcon>
                </div>
                {children}
              </aside>
            </div>
          )}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
