import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ImageOff } from "lucide-react";
import { useState } from "react";

import type { Finetune, ImageLoss } from "@/api/generated";
import { imageLossesQuery } from "@/api/queries";
import { lossNumber, countOf } from "@/components/format";
import { Loaded } from "@/components/Loaded";
import { Section } from "@/components/Page";
import { Picture } from "@/components/Picture";

import { DatasetLink } from "./DatasetLink";
import classes from "./ImageLosses.module.css";
import { isLive } from "./phases";

const FIRST = 12;

function Tile({ item, worst }: { item: ImageLoss; worst: number }) {
  const first = item.losses[0];
  const last = item.losses.at(-1);
  const trend =
    item.losses.length > 1 && first !== undefined && last !== undefined
      ? `from ${lossNumber(first)} to ${lossNumber(last)}`
      : "";
  return (
    <li className={classes.tile}>
      <div className={classes.picture}>
        {item.image ? (
          <Picture
            image={item.image}
            alt={item.caption || `Image ${item.index + 1}`}
            fit="square"
            show={160}
          />
        ) : (
          <span className={classes.gone} role="img" aria-label={`Image ${item.index + 1}, removed since`}>
            <ImageOff size={22} aria-hidden />
          </span>
        )}
      </div>
      <div className={classes.bar} aria-hidden>
        <span style={{ width: `${worst > 0 ? (100 * item.loss) / worst : 0}%` }} />
      </div>
      <p className="num">
        <strong>{lossNumber(item.loss)}</strong>{" "}
        <span className="dim small">seen {countOf(item.count, "time")}</span>
      </p>
      <p className="dim small clip" title={item.caption}>
        {item.caption || "No caption"}
      </p>
      {trend && <p className="dim small num">{trend}</p>}
    </li>
  );
}

/** How hard each training image is, the hardest first: those are worth a look. */
export function ImageLosses({ run }: { run: Finetune }) {
  const [isAll, setAll] = useState(false);
  const query = useQuery({
    ...imageLossesQuery(run.id),
    refetchInterval: run.state === "running" ? 20_000 : false,
  });
  if (query.data?.length === 0 && !isLive(run.state)) return null;
  return (
    <Section
      title="Loss per image"
      aside={
        <DatasetLink run={run} gone={null}>
          Open the dataset
        </DatasetLink>
      }
    >
      <Loaded query={query} skeleton={<div style={{ height: 160 }} />}>
        {(list) =>
          list.length === 0 ? (
            <p className="dim small">Appears once every image has been looked at a few times.</p>
          ) : (
            <>
              <p className="dim small" style={{ marginBottom: 12 }}>
                The hardest first. An image far above the others may be mislabelled, cropped badly, or simply
                different.
              </p>
              <ul className={classes.grid}>
                {(isAll ? list : list.slice(0, FIRST)).map((item) => (
                  <Tile key={item.index} item={item} worst={list[0].loss} />
                ))}
              </ul>
              {list.length > FIRST && (
                <Button variant="default" size="xs" mt={12} onClick={() => setAll(!isAll)}>
                  {isAll ? `Show the ${FIRST} hardest` : `Show all ${list.length}`}
                </Button>
              )}
            </>
          )
        }
      </Loaded>
    </Section>
  );
}
