import { Select } from "@mantine/core";
import { useState } from "react";

import type { Image, Recommendation, StrengthSheet } from "@/api/generated";
import { Lightbox } from "@/components/Lightbox";
import { Picture } from "@/components/Picture";

import classes from "./Health.module.css";

interface SheetProps {
  sheet: StrengthSheet;
  images: Record<string, Image>;
  chosen?: Recommendation | null;
}

/** One prompt at every checkpoint and strength, all with the same seed; the untouched base stands first. */
export function Sheet({ sheet, images, chosen }: SheetProps) {
  const [row, setRow] = useState(0);
  const [shown, setShown] = useState<{ step: number; strength: number } | null>(null);
  const at = (step: number, strength: number) => {
    const cell = sheet.cells.find(
      (one) => one.row === row && one.step === step && (step === 0 || one.strength === strength),
    );
    return cell ? images[cell.file] : undefined;
  };
  const prompt = sheet.prompts[row] ?? "";
  const steps = sheet.steps.filter((step) => step > 0);
  const base = at(0, 0);
  const name = (step: number, strength: number) =>
    step === 0 ? "Untouched base" : `Step ${step} at ${strength}`;
  const cell = (step: number, strength: number, image: Image) => (
    <button
      type="button"
      className={classes.cell}
      data-chosen={(chosen?.step === step && chosen.strength === strength) || undefined}
      aria-label={`${prompt}, ${name(step, strength).toLowerCase()}`}
      onClick={() => setShown({ step, strength })}
    >
      <Picture image={image} alt="" show={120} />
    </button>
  );
  return (
    <section aria-label="Strengths and checkpoints" className="stack">
      {sheet.prompts.length > 1 && (
        <Select
          label="Strengths and checkpoints"
          data={sheet.prompts.map((text, index) => ({ value: String(index), label: text }))}
          value={String(row)}
          onChange={(next) => setRow(Number(next))}
          allowDeselect={false}
          maw={420}
        />
      )}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} tabIndex={0} role="region" aria-label="Sheet of images">
        <table className={classes.sheet}>
          <thead>
            <tr>
              <th scope="col">Strength</th>
              {base && <th scope="col">Base</th>}
              {steps.map((step) => (
                <th key={step} scope="col">
                  Step {step}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sheet.strengths.map((strength, index) => (
              <tr key={strength}>
                <th scope="row">{strength}</th>
                {base && <td>{index === 0 && cell(0, 0, base)}</td>}
                {steps.map((step) => {
                  const image = at(step, strength);
                  return <td key={step}>{image && cell(step, strength, image)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Lightbox
        image={(shown && at(shown.step, shown.strength)) ?? null}
        alt={prompt}
        title={shown ? name(shown.step, shown.strength) : "Sample"}
        onClose={() => setShown(null)}
      >
        <p>{prompt}</p>
      </Lightbox>
    </section>
  );
}
