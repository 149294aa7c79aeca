import { NumberInput, TagsInput, Textarea, TextInput } from "@mantine/core";

import type { GridImage, ImagesChange } from "@/api/generated";
import { useAutosave } from "@/features/datasets/useAutosave";

interface ImageFactsProps {
  item: GridImage;
  knownTags: string[];
  onCaption: (id: string, text: string) => Promise<unknown>;
  onChange: (ids: string[], by: Omit<ImagesChange, "ids">) => Promise<unknown>;
}

/** What is known of one image: its caption, tags, notes, where it is from, how often it counts. Saved as typed. */
export function ImageFacts({ item, knownTags, onCaption, onChange }: ImageFactsProps) {
  const caption = useAutosave(item.caption, (text) => onCaption(item.id, text));
  const notes = useAutosave(item.notes, (text) => onChange([item.id], { notes: text }));
  const source = useAutosave(item.source, (text) => onChange([item.id], { source: text }));
  const licence = useAutosave(item.licence, (text) => onChange([item.id], { licence: text }));
  const tag = (tags: string[]) =>
    onChange([item.id], {
      add_tags: tags.filter((one) => !item.tags.includes(one)),
      remove_tags: item.tags.filter((one) => !tags.includes(one)),
    });
  return (
    <>
      <Textarea
        label="Caption"
        minRows={3}
        maxRows={6}
        autosize
        value={caption.text}
        onChange={(event) => caption.type(event.currentTarget.value)}
        onBlur={caption.flush}
      />
      <TagsInput
        label="Tags"
        data={knownTags}
        value={item.tags}
        maxTags={20}
        onChange={(tags) => void tag(tags)}
        acceptValueOnBlur
      />
      <NumberInput
        label="Repeats"
        min={1}
        max={1000}
        value={item.repeats}
        onChange={(value) => Number(value) >= 1 && void onChange([item.id], { repeats: Number(value) })}
      />
      <TextInput
        label="Source"
        placeholder="Who made it, or where it is from"
        maxLength={2000}
        value={source.text}
        onChange={(event) => source.type(event.currentTarget.value)}
        onBlur={source.flush}
      />
      <TextInput
        label="Licence"
        placeholder="CC BY 4.0, own work…"
        maxLength={120}
        value={licence.text}
        onChange={(event) => licence.type(event.currentTarget.value)}
        onBlur={licence.flush}
      />
      <Textarea
        label="Notes"
        minRows={2}
        maxRows={4}
        autosize
        maxLength={10000}
        value={notes.text}
        onChange={(event) => notes.type(event.currentTarget.value)}
        onBlur={notes.flush}
      />
    </>
  );
}
