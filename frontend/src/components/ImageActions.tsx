import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { Download, Heart, ImageUp, Repeat2, Sprout, Trash2 } from "lucide-react";

import { call } from "@/api/call";
import {
  deleteGalleryImage,
  restoreGalleryImage,
  updateGalleryImage,
  type GalleryImage,
  type Generation,
} from "@/api/generated";
import { useMay } from "@/api/session";

import { useMayChange } from "./may/May";
import { downloadName, type Reuse } from "./recipe";
import { toastProblem, toastUndo } from "./undo";

const refresh = (client: QueryClient) => client.invalidateQueries({ queryKey: ["gallery", "ids"] });

function patchResults(client: QueryClient, id: string, by: (item: GalleryImage) => GalleryImage | null) {
  client.setQueryData<GalleryImage | null>(["gallery", "record", id], (old) => old && by(old));
  client.setQueryData<Generation[]>(["generations"], (old) =>
    old?.map((generation) => ({
      ...generation,
      slots: generation.slots.map((slot) =>
        slot.result?.image.id === id ? { ...slot, result: by(slot.result) } : slot,
      ),
    })),
  );
}

/** What can be done with a made image, wherever it is shown. */
export function useImageActions() {
  const client = useQueryClient();
  const favourite = async (item: GalleryImage) => {
    const id = item.image.id;
    const is_favourite = !item.is_favourite;
    patchResults(client, id, (old) => ({ ...old, is_favourite }));
    try {
      await call(updateGalleryImage({ path: { image_id: id }, body: { is_favourite } }));
    } catch (error) {
      patchResults(client, id, (old) => ({ ...old, is_favourite: !is_favourite }));
      toastProblem(error);
    }
    void refresh(client);
  };
  const remove = async (item: GalleryImage) => {
    const path = { image_id: item.image.id };
    try {
      await call(deleteGalleryImage({ path }));
    } catch (error) {
      return toastProblem(error);
    }
    const everywhere = () =>
      Promise.all([refresh(client), client.invalidateQueries({ queryKey: ["generations"] })]);
    client.setQueryData<string[]>(["gallery", "gone"], (old = []) => [...old, item.image.id]);
    await everywhere();
    toastUndo("Image in the trash.", async () => {
      await call(restoreGalleryImage({ path }));
      client.setQueryData<string[]>(["gallery", "gone"], (old = []) =>
        old.filter((id) => id !== item.image.id),
      );
      await everywhere();
    });
  };
  return { favourite, remove };
}

interface ImageActionsProps {
  item: GalleryImage;
  onReuse?: (reuse: Reuse) => void;
  onRemoved?: () => void;
}

export function ImageActions({ item, onReuse, onRemoved }: ImageActionsProps) {
  const { favourite, remove } = useImageActions();
  const { facts, image } = item;
  const mayCreate = useMay("create");
  const mayChange = useMayChange() && mayCreate;
  return (
    <>
      {mayChange && (
        <Tooltip label={item.is_favourite ? "No longer a favourite" : "Favourite"}>
          <ActionIcon
            aria-label="Favourite"
            aria-pressed={item.is_favourite}
            onClick={() => void favourite(item)}
          >
            <Heart
              size={16}
              fill={item.is_favourite ? "currentColor" : "none"}
              color={item.is_favourite ? "#ff6b81" : "currentColor"}
            />
          </ActionIcon>
        </Tooltip>
      )}
      {onReuse && mayCreate && (
        <Menu position="bottom-start">
          <Menu.Target>
            <Tooltip label="Reuse">
              <ActionIcon aria-label="Reuse">
                <Repeat2 size={16} />
              </ActionIcon>
            </Tooltip>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item
              leftSection={<Repeat2 size={15} />}
              onClick={() => onReuse({ kind: "everything", facts, imageId: image.id })}
            >
              Reuse everything
            </Menu.Item>
            <Menu.Item
              leftSection={<Sprout size={15} />}
              onClick={() => onReuse({ kind: "seed", facts, imageId: image.id })}
            >
              Reuse seed
            </Menu.Item>
            <Menu.Item
              leftSection={<ImageUp size={15} />}
              onClick={() => onReuse({ kind: "image", facts, imageId: image.id })}
            >
              Start from this image
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      <Tooltip label="Download">
        <ActionIcon
          component="a"
          href={image.url}
          download={`${downloadName(facts)}.${image.format.toLowerCase() === "jpeg" ? "jpg" : image.format.toLowerCase()}`}
          aria-label="Download"
        >
          <Download size={16} />
        </ActionIcon>
      </Tooltip>
      {mayChange && (
        <Tooltip label="Delete">
          <ActionIcon
            aria-label="Delete"
            onClick={() => {
              onRemoved?.();
              void remove(item);
            }}
          >
            <Trash2 size={16} />
          </ActionIcon>
        </Tooltip>
      )}
    </>
  );
}
