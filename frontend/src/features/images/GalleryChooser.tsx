import { Modal } from "@mantine/core";

import { Gallery } from "./Gallery";
import classes from "./Gallery.module.css";

interface GalleryChooserProps {
  isOpen: boolean;
  onClose: () => void;
  onChoose: (imageId: string) => void;
}

const nothing = () => undefined;

/** The gallery to pick one image from. */
export function GalleryChooser({ isOpen, onClose, onChoose }: GalleryChooserProps) {
  return (
    <Modal opened={isOpen} onClose={onClose} title="Choose an image" size="xl">
      <div className={classes.chooser}>
        <Gallery
          isFramed
          title={<span className="dim small">Click one to start from it.</span>}
          onShow={(id) => id && onChoose(id)}
          onReuse={nothing}
        />
      </div>
    </Modal>
  );
}
