import type { CleaningOffer, RoomPart } from "@/api/generated";

interface Words {
  title: string;
  /** What one of them is called, when they are counted. */
  one?: string;
  note: string;
  colour: string;
}

/** What each kind is called, and what it is kept for. */
export const KINDS: Record<RoomPart["kind"], Words> = {
  dataset_images: {
    title: "Images of datasets",
    one: "image",
    note: "Originals, as they were uploaded",
    colour: "violet.6",
  },
  generated_images: { title: "Generated images", one: "image", note: "The gallery", colour: "grape.5" },
  sample_images: {
    title: "Samples of finetunes",
    one: "image",
    note: "Made while they trained",
    colour: "pink.5",
  },
  thumbnails: { title: "Thumbnails", one: "file", note: "Made of every image", colour: "gray.6" },
  models: { title: "Models", one: "model", note: "Adapters one draws with", colour: "orange.6" },
  checkpoints: {
    title: "Checkpoints",
    one: "checkpoint",
    note: "Finetunes go on from them",
    colour: "yellow.6",
  },
  runs: {
    title: "Rest of the runs",
    one: "run",
    note: "Snapshots, prepared images, logs of finetunes",
    colour: "lime.6",
  },
  bases: { title: "Bases", one: "base", note: "Can be downloaded again", colour: "teal.6" },
  database: { title: "Database", note: "Everything that is not a file", colour: "cyan.6" },
  backups: { title: "Backups", one: "backup", note: "Only what is new takes room", colour: "blue.6" },
  logs: { title: "Logs", one: "file", note: "Rotated at a fixed size", colour: "indigo.5" },
  other: { title: "Under way", note: "Work that has not ended", colour: "gray.5" },
};

interface CleaningWords {
  title: string;
  /** What one of them is called. */
  one: string;
  text: string;
  ask: string;
}

/** What each cleaning removes, and what it leaves. */
export const CLEANINGS: Record<CleaningOffer["what"], CleaningWords> = {
  trash: {
    title: "Empty the trash",
    one: "thing",
    text: "Everything that was deleted goes for good now, instead of after its time.",
    ask: "What was deleted can’t be restored any more.",
  },
  checkpoints: {
    title: "Remove early checkpoints",
    one: "checkpoint",
    text: "Of finetunes that have ended all but the last goes; versions that were kept stay.",
    ask: "Finetunes can then be resumed and extended from their last checkpoint only, and no earlier one can be kept as a version.",
  },
  samples: {
    title: "Remove early samples",
    one: "image",
    text: "Of finetunes that have ended the samples before the last go; those of the untouched base stay.",
    ask: "How the samples came to look as they do can’t be seen any more.",
  },
  caches: {
    title: "Remove prepared images",
    one: "run",
    text: "What finetunes that have ended keep of their images to train faster. It is made again when one is extended.",
    ask: "Extending one of these finetunes takes a little longer to begin. Nothing else changes.",
  },
};
